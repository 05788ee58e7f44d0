// The TMS's own web server: hands each webhook, headers and raw bytes, to the inbox and answers as it says.
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { GladhandError } from 'gladhand';

/** Serves on a loopback port. @param {import('gladhand').Client} gh */
export async function serve(gh) {
  /** @type {string[]} */
  const outcomes = [];
  const server = createServer(async (request, response) => {
    if (request.method === 'OPTIONS') {
      // The handshake of CloudEvents webhooks: we are who may be called.
      const origin = request.headers['webhook-request-origin'];
      response.writeHead(200, origin === undefined ? {} : { 'webhook-allowed-origin': origin }).end();
      return;
    }
    try {
      const receipt = await gh.inbox.receive(request.headers, await buffer(request));
      outcomes.push(receipt.outcome);
      response.writeHead(receipt.status).end();
    } catch (error) {
      const status = error instanceof GladhandError ? error.httpStatus : undefined;
      response.writeHead(status ?? 500).end();
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(undefined)));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    outcomes,
    close: () => void server.close().closeAllConnections(),
  };
}

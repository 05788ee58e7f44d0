// The TMS, killed at the worst instant: it has committed an event, and has not acknowledged it. It lives for as many
// acknowledgements as `TMS_ACKS` says. `node --import ./dist/test/killed.js dist/src/main.js`
import { Delivery } from 'gladhand';

const acknowledge = Delivery.prototype.ack;
let left = Number(process.env['TMS_ACKS']);

Delivery.prototype.ack = function (this: Delivery, ...given): Promise<void> {
  left -= 1;
  if (left < 0) process.kill(process.pid, 'SIGKILL');
  return acknowledge.apply(this, given);
};

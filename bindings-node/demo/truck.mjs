// The vehicle gateway: streams the real highway minute, ten times as fast as it was recorded.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { Document, Gateway } from 'gladhand';
import { variable } from './steps.mjs';

const RECORDED_HZ = 10;
const SPEED = 10;

/** Drives the load; what became of the records. @param {string} loadId @param {string} dispatchId */
export async function drive(loadId, dispatchId) {
  const lines = gunzipSync(readFileSync(variable('GLADHAND_HIGHWAY_MINUTE')))
    .toString()
    .trim()
    .split('\n');
  const gateway = await Gateway.connect({ path: variable('GLADHAND_GATEWAY_CONFIG') });
  // The recording is of another day and another load: its times begin now, its ids are ours.
  const first = BigInt(JSON.parse(lines[0] ?? '{}').t);
  const start = BigInt(Date.now()) * 1_000_000n;
  for (const [place, line] of lines.entries()) {
    const recorded = Document.parse(line);
    const at = start + (BigInt(recorded.number('/t') ?? 0) - first) / BigInt(SPEED);
    gateway.publishDocument(
      recorded
        .patch('/t', String(at))
        .patch('/loadId', JSON.stringify(loadId))
        .patch('/dispatchId', JSON.stringify(dispatchId))
        .patch('/eventSequence', String(place + 1)),
    );
    if (place % RECORDED_HZ === 0) await pause(1000 / SPEED);
  }
  return gateway.close();
}

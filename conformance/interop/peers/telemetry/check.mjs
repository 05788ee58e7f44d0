// The telemetry vectors by protobufjs: `node check.mjs PROTO_FOLDER VECTORS`. It reads the proto files by itself. Messages are
// compared field by field with their JSON and written again to the same bytes; the columnar batch is turned into records here,
// from what the proto file says of it, and compared with the records.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';

const [protos, vectors] = process.argv.slice(2);
const PACKAGE = 'gladhand.telemetry.v1';
const root = new protobuf.Root();
root.resolvePath = (_, target) => join(protos, target);
for (const name of ['record', 'ingest', 'follow']) {
  await root.load(`gladhand/telemetry/v1/${name}.proto`, { keepCase: true });
}
const AS_JSON = { longs: String, enums: String, bytes: String, oneofs: false };
let passed = 0;
let failed = 0;

const read = (name) => JSON.parse(readFileSync(join(vectors, name), 'utf8'));
for (const { name, type, hex, json } of read('messages.json').messages) {
  const kind = root.lookupType(`${PACKAGE}.${type}`);
  const message = kind.decode(Buffer.from(hex, 'hex'));
  const wrong = differences('', kind.toObject(message, AS_JSON), json);
  if (toHex(kind.encode(message).finish()) !== hex) wrong.push('written again, it has other bytes');
  if (toHex(kind.encode(kind.fromObject(json)).finish()) !== hex) wrong.push('its JSON gives other bytes');
  tally(name, wrong);
}
tally('the columnar batch', golden(read('batch.json')));
console.log(`node: protobufjs: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function tally(name, wrong) {
  for (const line of wrong) console.log(`FAIL  ${name}: ${line}`);
  if (wrong.length > 0) failed += 1;
  else passed += 1;
}

function toHex(bytes) {
  return Buffer.from(bytes).toString('hex');
}

function differences(path, found, wanted) {
  if (Array.isArray(found) && Array.isArray(wanted) && found.length === wanted.length) {
    return found.flatMap((value, index) => differences(`${path}/${index}`, value, wanted[index]));
  }
  if (isObject(found) && isObject(wanted)) {
    const names = [...new Set([...Object.keys(found), ...Object.keys(wanted)])].sort();
    return names.flatMap((name) => differences(`${path}/${name}`, found[name], wanted[name]));
  }
  return found === wanted ? [] : [`${path} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`];
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function golden(vector) {
  const kind = root.lookupType(`${PACKAGE}.TelemetryBatch`);
  const batch = kind.decode(Buffer.from(vector.payloadHex, 'hex'));
  const wrong = toHex(kind.encode(batch).finish()) === vector.payloadHex ? [] : ['written again, it has other bytes'];
  const contexts = runs(batch.context_id, batch.row_count);
  wrong.push(...differences('/contextIds', contexts, vector.contextIds));
  const wanted = vector.records.map(
    ({ vehicleId: _v, loadId: _l, capacityId: _c, dispatchId: _d, sensors: _s, ...rest }) => rest,
  );
  wrong.push(...differences('/records', records(batch, contexts), wanted));
  return wrong;
}

/** The rows of a batch, as their JSON. */
function records(batch, contexts) {
  const rows = batch.row_count;
  const located = present(batch.location_absent, rows);
  const count = located.filter(Boolean).length;
  const high = present(batch.altitude_absent, count);
  const altitude = delta2(batch.altitude_mm, high.filter(Boolean).length).values();
  const latitude = delta2(batch.latitude_e7_deg, count);
  const longitude = delta2(batch.longitude_e7_deg, count);
  const horizontal = delta1(batch.horizontal_accuracy_mm, count);
  const vertical = delta1(batch.vertical_accuracy_mm, count);
  const moving = present(batch.kinematics_absent, rows);
  const moved = moving.filter(Boolean).length;
  const motion = [
    'speed_mmps',
    'heading_cdeg',
    'accel_longitudinal_mmps2',
    'accel_lateral_mmps2',
    'yaw_rate_mdegps',
  ].map((name) => delta1(batch[name], moved));
  const modes = runs(batch.autonomy_mode, rows);
  const levels = runs(batch.autonomy_level, rows);
  const traces = byteRuns(batch.trace_id, 16, rows);
  const spans = byteRuns(batch.span_id, 8, rows);
  const health = sensors(batch, contexts);
  const faults = faulty(batch, rows);
  let [sequence, time, delta] = [big(batch.first_event_sequence), big(batch.base_time_unix_nanos), 0n];
  let [place, motions] = [0, 0];
  return contexts.map((_, row) => {
    if (row > 0) {
      sequence = BigInt.asUintN(64, sequence + 1n + big(batch.event_sequence_step_minus_one[row - 1] ?? 0));
      delta += big(batch.time_delta_of_delta[row - 1] ?? 0) * 1000n ** BigInt(batch.time_unit);
      time = BigInt.asUintN(64, time + delta);
    }
    const record = { eventSequence: String(sequence), observedTimeUnixNanos: String(time) };
    if (traces[row]) record.traceId = traces[row];
    if (spans[row]) record.spanId = spans[row];
    if (located[row]) {
      record.location = { latitudeE7Deg: latitude[place] | 0, longitudeE7Deg: longitude[place] | 0 };
      if (high[place]) record.location.altitudeMm = altitude.next().value | 0;
      record.location.horizontalAccuracyMm = horizontal[place];
      record.location.verticalAccuracyMm = vertical[place];
      place += 1;
    }
    if (moving[row]) {
      const [speed, heading, forward, lateral, yaw] = motion.map((column) => column[motions]);
      record.kinematics = {
        speedMmps: speed | 0,
        headingCdeg: heading,
        accelLongitudinalMmps2: forward | 0,
        accelLateralMmps2: lateral | 0,
        yawRateMdegps: yaw | 0,
      };
      motions += 1;
    }
    if (health[row].length > 0) record.sensorHealth = health[row];
    const level = label('SaeLevel', 'SAE_LEVEL_', levels[row] | 0);
    record.autonomyStatus = {
      mode: label('AutonomyMode', 'AUTONOMY_MODE_', modes[row] | 0),
      level: /^\d$/.test(level) ? `sae_${level}` : level,
    };
    if (faults[row].length > 0) record.faultCode = faults[row];
    return record;
  });
}

function sensors(batch, contexts) {
  const states = new Map();
  const statuses = batch.sensor_change_status_plus_one;
  let [change, changedRow, index] = [0, 0, 0];
  return contexts.map((context, row) => {
    const state = states.get(context) ?? states.set(context, new Map()).get(context);
    let first = true;
    while (change < statuses.length && changedRow + (batch.sensor_change_row[change] ?? 0) === row) {
      const step = batch.sensor_change_index_step[change] ?? 0;
      index = first ? step : index + 1 + step;
      [first, changedRow] = [false, row];
      const plusOne = big(statuses[change]);
      if (plusOne === 0n) {
        state.delete(index);
      } else {
        const status = Number(BigInt.asIntN(32, plusOne - 1n));
        const entry = { sensorIndex: index, status: label('SensorStatus', 'SENSOR_STATUS_', status) };
        const score = big(batch.sensor_change_score_permille_plus_one[change] ?? 0);
        if (score > 0n) entry.scorePermille = Number(score - 1n);
        state.set(index, entry);
      }
      change += 1;
    }
    return [...state.values()].sort((a, b) => a.sensorIndex - b.sensorIndex).map((entry) => ({ ...entry }));
  });
}

function faulty(batch, rows) {
  const out = Array.from({ length: rows }, () => []);
  let row = 0;
  batch.fault.forEach((fault, number) => {
    row += batch.fault_row[number];
    const entry = {
      code: label('FaultCode', 'FAULT_CODE_', fault.code),
      severity: label('FaultSeverity', 'FAULT_SEVERITY_', fault.severity),
      active: fault.active,
    };
    const optional = { sensorIndex: 'sensor_index', j1939Spn: 'j1939_spn', j1939Fmi: 'j1939_fmi' };
    for (const [name, field] of Object.entries(optional)) {
      if (Object.hasOwn(fault, field) && fault[field] !== null) entry[name] = fault[field];
    }
    if (fault.vendor_code !== '') entry.vendorCode = fault.vendor_code;
    out[row].push(entry);
  });
  return out;
}

function big(value) {
  return BigInt(value.toString());
}

function delta1(column, count) {
  let value = 0;
  return Array.from({ length: count }, (_, index) => (value = (value + (column[index] ?? 0)) >>> 0));
}

function delta2(column, count) {
  let [value, delta] = [0, 0];
  return Array.from({ length: count }, (_, index) => {
    if (index === 0) value = (column[0] ?? 0) >>> 0;
    else {
      delta = (delta + (column[index] ?? 0)) >>> 0;
      value = (value + delta) >>> 0;
    }
    return value;
  });
}

function present(absent, rows) {
  return Array.from({ length: rows }, (_, row) => (((absent[row >> 3] ?? 0) >> (row & 7)) & 1) === 0);
}

function runs(column, rows) {
  const { value, run_length: lengths } = column ?? { value: [], run_length: [] };
  if (value.length === 0) return Array(rows).fill(0);
  if (lengths.length === 0) return Array(rows).fill(value[0]);
  return value.flatMap((one, index) => Array(lengths[index]).fill(one));
}

function byteRuns(column, width, rows) {
  const bytes = column?.value ?? Buffer.alloc(0);
  const values = Array.from({ length: bytes.length / width }, (_, index) => toHex(bytes.subarray(index * width, (index + 1) * width)));
  const numbers = runs({ value: values.map((_, index) => index + 1), run_length: column?.run_length ?? [] }, rows);
  return numbers.map((number) => (number === 0 || /^0*$/.test(values[number - 1]) ? '' : values[number - 1]));
}

function label(name, prefix, number) {
  const known = root.lookupEnum(`${PACKAGE}.${name}`).valuesById[number];
  return known === undefined ? number : known.replace(prefix, '').toLowerCase();
}

// Telemetry from Node, records a second on one thread: `gladhand` admits and encodes, with nobody to send to; the OpenTelemetry
// SDK makes spans and encodes them as OTLP, a hundred at a time; `json` writes lines. All carry every sensor's status.
//
// node telemetry.mjs gladhand|opentelemetry|json TRACE
import { readFileSync } from 'node:fs';

const MODES = ['', 'manual', 'autonomous_ready', 'autonomous_enroute', 'minimal_risk_maneuver', 'minimal_risk_condition', 'remote_assist'];
const STATUS = ['', 'nominal', 'degraded', 'failed', 'offline', 'calibrating'];
const KINDS = ['lidar', 'lidar', 'lidar', 'radar', 'camera', 'camera', 'imu', 'gnss'];
const PLACES = KINDS.map((kind, index) => KINDS.slice(0, index).filter((other) => other === kind).length);
const SENSORS = KINDS.map((kind, index) => `sensor.${kind}.${PLACES[index]}.status`);
const BATCH = 100;
const SECONDS = 1;

/** How many a second `work` does, after a quarter of the time to warm up. */
function rate(name, work) {
  for (const limit of [SECONDS / 4, SECONDS]) {
    const start = performance.now();
    let done = 0;
    while (performance.now() - start < limit * 1000) done += work();
    if (limit === SECONDS) console.log(`${name}\t${((done * 1000) / (performance.now() - start)).toFixed(0)}`);
  }
}

async function ours(trace) {
  const { Gateway, sandbox } = await import('gladhand');
  const carrier = await sandbox();
  const gateway = await Gateway.connect({ path: carrier.gatewayConfigPath });
  await carrier.stop();
  const { vehicleId, loadId, capacityId, dispatchId } = trace[0];
  const ids = { vehicleId, loadId, capacityId, dispatchId };
  const sensors = (line) =>
    KINDS.map((kind, index) => ({
      kind,
      status: STATUS[line.sensors[index]],
      position: PLACES[index],
      name: `${kind}-${PLACES[index]}`,
    }));
  const column = (key, scale) => Float64Array.from(trace, (line) => line[key] / scale);
  const columns = {
    ...ids,
    sensors: sensors(trace[0]),
    observedAt: BigUint64Array.from(trace, (line) => line.t),
    lat: column('latE7', 1e7),
    lon: column('lonE7', 1e7),
    altitudeM: column('altMm', 1e3),
    horizontalAccuracyM: column('hAccMm', 1e3),
    speedMps: column('speedMmps', 1e3),
    headingDeg: column('hdgCdeg', 1e2),
    accelerationLongitudinalMps2: column('axMmps2', 1e3),
    accelerationLateralMps2: column('ayMmps2', 1e3),
    yawRateDegps: column('yawMdegps', 1e3),
    autonomyMode: 'autonomous_enroute',
    autonomyLevel: 'sae_4',
  };
  rate('Gladhand (Node), typed arrays', () => gateway.publishColumns(columns).accepted);

  // A program that reads its sensors makes new objects when one changes.
  let last;
  const remembered = (line) => {
    if (last === undefined || line.sensors.some((status, index) => status !== last.line.sensors[index])) {
      last = { line, sensors: sensors(line) };
    }
    return last.sensors;
  };
  const observations = trace.map((line) => ({
    ...ids,
    observedAt: line.t,
    lat: line.latE7 / 1e7,
    lon: line.lonE7 / 1e7,
    altitudeM: line.altMm / 1e3,
    horizontalAccuracyM: line.hAccMm / 1e3,
    speedMps: line.speedMmps / 1e3,
    headingDeg: line.hdgCdeg / 1e2,
    accelerationLongitudinalMps2: line.axMmps2 / 1e3,
    accelerationLateralMps2: line.ayMmps2 / 1e3,
    yawRateDegps: line.yawMdegps / 1e3,
    autonomyMode: MODES[line.mode],
    autonomyLevel: 'sae_4',
    sensors: remembered(line),
  }));
  // The safety lane makes a frame of each record; the rate is that of routine records, as everywhere here.
  const routine = observations.filter((observation) => observation.autonomyMode !== 'minimal_risk_maneuver');
  rate('Gladhand (Node), publish()', () => {
    for (const observation of routine) gateway.publish(observation);
    return routine.length;
  });
  process.exit(0);
}

async function opentelemetry(trace) {
  const { BasicTracerProvider } = await import('@opentelemetry/sdk-trace-base');
  const { ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
  const ended = [];
  const keep = {
    onStart() {},
    onEnd: (span) => void ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const tracer = new BasicTracerProvider({ spanProcessors: [keep] }).getTracer('bench');
  let place = 0;
  rate('OpenTelemetry SDK (Node), spans', () => {
    for (const line of trace.slice(place, place + BATCH)) {
      const time = [Number(line.t / 1_000_000_000n), Number(line.t % 1_000_000_000n)];
      const attributes = {
        'vehicle.id': line.vehicleId,
        'load.id': line.loadId,
        'fleet.capacity_id': line.capacityId,
        'dispatch.id': line.dispatchId,
        'event.sequence': line.eventSequence,
        'vehicle.lat': line.latE7 / 1e7,
        'vehicle.lon': line.lonE7 / 1e7,
        'vehicle.altitude_m': line.altMm / 1e3,
        'vehicle.horizontal_accuracy_m': line.hAccMm / 1e3,
        'vehicle.speed_mps': line.speedMmps / 1e3,
        'vehicle.heading_deg': line.hdgCdeg / 1e2,
        'vehicle.accel_longitudinal_mps2': line.axMmps2 / 1e3,
        'vehicle.accel_lateral_mps2': line.ayMmps2 / 1e3,
        'vehicle.yaw_rate_degps': line.yawMdegps / 1e3,
        'autonomy.mode': MODES[line.mode],
        'autonomy.level': 'sae_4',
      };
      for (const [index, key] of SENSORS.entries()) attributes[key] = STATUS[line.sensors[index]];
      tracer.startSpan('enroute', { attributes, startTime: time }).end(time);
    }
    place = (place + BATCH) % (Math.floor(trace.length / BATCH) * BATCH);
    ProtobufTraceSerializer.serializeRequest(ended);
    ended.length = 0;
    return BATCH;
  });
}

function json(trace) {
  let place = 0;
  rate('JSON (Node)', () => {
    for (const line of trace.slice(place, place + BATCH)) {
      const row = {
        vehicleId: line.vehicleId,
        loadId: line.loadId,
        capacityId: line.capacityId,
        dispatchId: line.dispatchId,
        eventSequence: line.eventSequence,
        // JSON has no BigInt.
        observedAt: String(line.t),
        lat: line.latE7 / 1e7,
        lon: line.lonE7 / 1e7,
        altitudeM: line.altMm / 1e3,
        horizontalAccuracyM: line.hAccMm / 1e3,
        speedMps: line.speedMmps / 1e3,
        headingDeg: line.hdgCdeg / 1e2,
        accelerationMps2: [line.axMmps2 / 1e3, line.ayMmps2 / 1e3],
        yawRateDegps: line.yawMdegps / 1e3,
        autonomyMode: MODES[line.mode],
        autonomyLevel: 'sae_4',
        sensors: line.sensors.map((status) => STATUS[status]),
      };
      Buffer.from(JSON.stringify(row));
    }
    place = (place + BATCH) % (Math.floor(trace.length / BATCH) * BATCH);
    return BATCH;
  });
}

const [, , what, file] = process.argv;
// Nanoseconds do not fit into a number: they are read from the text.
const trace = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => ({ ...JSON.parse(line), t: BigInt(/"t":(\d+)/.exec(line)[1]) }));
await { gladhand: ours, opentelemetry, json }[what](trace);

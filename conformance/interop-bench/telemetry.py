"""Telemetry from Python, records a second on one thread: `gladhand` admits and encodes, with nobody to send to; the
OpenTelemetry SDK makes spans and encodes them as OTLP, a hundred at a time; `json` writes lines. All carry every sensor's status.

python telemetry.py gladhand|opentelemetry|json TRACE
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

MODES = {1: "manual", 2: "autonomous_ready", 3: "autonomous_enroute", 4: "minimal_risk_maneuver"}
MODES |= {5: "minimal_risk_condition", 6: "remote_assist"}
STATUS = {1: "nominal", 2: "degraded", 3: "failed", 4: "offline", 5: "calibrating"}
KINDS = ("lidar", "lidar", "lidar", "radar", "camera", "camera", "imu", "gnss")
SENSORS = tuple(f"sensor.{kind}.{KINDS[:index].count(kind)}.status" for index, kind in enumerate(KINDS))
BATCH = 100
SECONDS = 1.0


def rate(name: str, work: Callable[[], int]) -> None:
    """How many a second `work` does, after a quarter of the time to warm up."""
    for limit in (SECONDS / 4, SECONDS):
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < limit:
            done += work()
    print(f"{name}\t{done / (time.perf_counter() - start):.0f}")


def ours(trace: list[dict[str, Any]]) -> None:
    import numpy as np

    import gladhand
    from gladhand.vehicle import Record, Sensor

    with gladhand.sandbox() as carrier:
        gateway = gladhand.Gateway(carrier.gateway_config_path)
        gateway.open()
    first = trace[0]
    ids = {
        "vehicle_id": first["vehicleId"],
        "load_id": first["loadId"],
        "capacity_id": first["capacityId"],
        "dispatch_id": first["dispatchId"],
    }

    def sensors(line: dict[str, Any]) -> tuple[Sensor, ...]:
        places = (KINDS[:index].count(kind) for index, kind in enumerate(KINDS))
        pairs = zip(KINDS, line["sensors"], places, strict=True)
        return tuple(Sensor(kind, STATUS[status], place, f"{kind}-{place}") for kind, status, place in pairs)

    column = {key: np.array([line[key] for line in trace], dtype=np.int64) for key in first if isinstance(first[key], int)}
    columns = {
        **ids,
        "sensors": sensors(first),
        "observed_at": column["t"],
        "lat": column["latE7"] / 1e7,
        "lon": column["lonE7"] / 1e7,
        "altitude_m": column["altMm"] / 1e3,
        "horizontal_accuracy_m": column["hAccMm"] / 1e3,
        "speed_mps": column["speedMmps"] / 1e3,
        "heading_deg": column["hdgCdeg"] / 1e2,
        "acceleration_longitudinal_mps2": column["axMmps2"] / 1e3,
        "acceleration_lateral_mps2": column["ayMmps2"] / 1e3,
        "yaw_rate_degps": column["yawMdegps"] / 1e3,
        "autonomy_mode": "autonomous_enroute",
        "autonomy_level": "sae_4",
    }

    def by_columns() -> int:
        gateway.publish_columns(**columns)
        return len(trace)

    last: tuple[list[int], tuple[Sensor, ...]] = ([], ())

    def remembered(line: dict[str, Any]) -> tuple[Sensor, ...]:
        # A program that reads its sensors makes new objects when one changes.
        nonlocal last
        if last[0] != line["sensors"]:
            last = (line["sensors"], sensors(line))
        return last[1]

    rows = [
        {
            "observed_at": line["t"],
            "lat": line["latE7"] / 1e7,
            "lon": line["lonE7"] / 1e7,
            "altitude_m": line["altMm"] / 1e3,
            "horizontal_accuracy_m": line["hAccMm"] / 1e3,
            "speed_mps": line["speedMmps"] / 1e3,
            "heading_deg": line["hdgCdeg"] / 1e2,
            "acceleration_mps2": (line["axMmps2"] / 1e3, line["ayMmps2"] / 1e3),
            "yaw_rate_degps": line["yawMdegps"] / 1e3,
            "autonomy_mode": MODES[line["mode"]],
            "sensors": remembered(line),
        }
        for line in trace
    ]
    # The safety lane makes a frame of each record; the rate is that of routine records, as everywhere here.
    rows = [row for row in rows if row["autonomy_mode"] != "minimal_risk_maneuver"]

    def by_calls() -> int:
        for row in rows:
            gateway.publish(**ids, **row, autonomy_level="sae_4")
        return len(rows)

    def by_objects() -> int:
        for start in range(0, len(rows), BATCH):
            records = [Record(**ids, **row, autonomy_level="sae_4") for row in rows[start : start + BATCH]]
            gateway.publish_records(records)
        return len(rows)

    rate("Gladhand (Python), columns", by_columns)
    rate("Gladhand (Python), publish()", by_calls)
    rate("Gladhand (Python), Record objects", by_objects)


def opentelemetry(trace: list[dict[str, Any]]) -> None:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

    ended: list[ReadableSpan] = []

    class Keep(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            ended.append(span)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Keep())
    tracer = provider.get_tracer("bench")
    place = 0

    def work() -> int:
        nonlocal place
        for line in trace[place : place + BATCH]:
            attributes = {
                "vehicle.id": line["vehicleId"],
                "load.id": line["loadId"],
                "fleet.capacity_id": line["capacityId"],
                "dispatch.id": line["dispatchId"],
                "event.sequence": line["eventSequence"],
                "vehicle.lat": line["latE7"] / 1e7,
                "vehicle.lon": line["lonE7"] / 1e7,
                "vehicle.altitude_m": line["altMm"] / 1e3,
                "vehicle.horizontal_accuracy_m": line["hAccMm"] / 1e3,
                "vehicle.speed_mps": line["speedMmps"] / 1e3,
                "vehicle.heading_deg": line["hdgCdeg"] / 1e2,
                "vehicle.accel_longitudinal_mps2": line["axMmps2"] / 1e3,
                "vehicle.accel_lateral_mps2": line["ayMmps2"] / 1e3,
                "vehicle.yaw_rate_degps": line["yawMdegps"] / 1e3,
                "autonomy.mode": MODES[line["mode"]],
                "autonomy.level": "sae_4",
            }
            for key, status in zip(SENSORS, line["sensors"], strict=True):
                attributes[key] = STATUS[status]
            tracer.start_span("enroute", attributes=attributes, start_time=line["t"]).end(line["t"])
        place = (place + BATCH) % (len(trace) // BATCH * BATCH)
        encode_spans(ended).SerializeToString()
        ended.clear()
        return BATCH

    rate("OpenTelemetry SDK (Python), spans", work)


def as_json(trace: list[dict[str, Any]]) -> None:
    place = 0

    def work() -> int:
        nonlocal place
        for line in trace[place : place + BATCH]:
            row = {
                "vehicleId": line["vehicleId"],
                "loadId": line["loadId"],
                "capacityId": line["capacityId"],
                "dispatchId": line["dispatchId"],
                "eventSequence": line["eventSequence"],
                "observedAt": line["t"],
                "lat": line["latE7"] / 1e7,
                "lon": line["lonE7"] / 1e7,
                "altitudeM": line["altMm"] / 1e3,
                "horizontalAccuracyM": line["hAccMm"] / 1e3,
                "speedMps": line["speedMmps"] / 1e3,
                "headingDeg": line["hdgCdeg"] / 1e2,
                "accelerationMps2": [line["axMmps2"] / 1e3, line["ayMmps2"] / 1e3],
                "yawRateDegps": line["yawMdegps"] / 1e3,
                "autonomyMode": MODES[line["mode"]],
                "autonomyLevel": "sae_4",
                "sensors": [STATUS[status] for status in line["sensors"]],
            }
            json.dumps(row).encode()
        place = (place + BATCH) % (len(trace) // BATCH * BATCH)
        return BATCH

    rate("JSON (Python)", work)


if __name__ == "__main__":
    with open(sys.argv[2]) as file:
        lines = [json.loads(line) for line in file]
    {"gladhand": ours, "opentelemetry": opentelemetry, "json": as_json}[sys.argv[1]](lines)

"""The telemetry vectors by Google's protobuf for Python (upb): `python check.py DESCRIPTORS VECTORS`.

DESCRIPTORS is what buf made of the proto files. Messages are compared field by field with their JSON and written again to the
same bytes; the columnar batch is turned into records here, from what the proto file says of it, and compared with the records.
"""

import json
import pathlib
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.internal import api_implementation
from google.protobuf.unknown_fields import UnknownFieldSet

PACKAGE = "gladhand.telemetry.v1."
MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1


def main(descriptors: str, vectors: str) -> int:
    assert api_implementation.Type() == "upb", api_implementation.Type()
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(descriptors).read_bytes())
    for file in files.file:
        pool.Add(file)
    passed = failed = 0
    folder = pathlib.Path(vectors)
    for vector in json.loads((folder / "messages.json").read_text())["messages"]:
        wrong = message(pool, vector["type"], bytes.fromhex(vector["hex"]), vector["json"])
        passed, failed = tally(passed, failed, vector["name"], wrong)
    batch = json.loads((folder / "batch.json").read_text())
    passed, failed = tally(passed, failed, "the columnar batch", golden(pool, batch))
    print(f"python: protobuf (upb): {passed} passed, {failed} failed")
    return 1 if failed else 0


def tally(passed: int, failed: int, name: str, wrong: list[str]) -> tuple[int, int]:
    for line in wrong:
        print(f"FAIL  {name}: {line}")
    return (passed, failed + 1) if wrong else (passed + 1, failed)


def message(pool: descriptor_pool.DescriptorPool, name: str, data: bytes, wanted: object) -> list[str]:
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(PACKAGE + name))
    read = kind.FromString(data)
    wrong = []
    if len(UnknownFieldSet(read)):
        wrong.append("there are unknown fields")
    found = json_format.MessageToDict(read, preserving_proto_field_name=True)
    wrong += differences("", found, wanted)
    if read.SerializeToString(deterministic=True) != data:
        wrong.append("written again, it has other bytes")
    written = json_format.ParseDict(wanted, kind())
    if written.SerializeToString(deterministic=True) != data:
        wrong.append("its JSON gives other bytes")
    return wrong


def differences(path: str, found: object, wanted: object) -> list[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        names = sorted(found.keys() | wanted.keys())
        return [d for n in names for d in differences(f"{path}/{n}", found.get(n), wanted.get(n))]
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [d for i, pair in enumerate(zip(found, wanted)) for d in differences(f"{path}/{i}", *pair)]
    return [] if found == wanted else [f"{path} is {found!r}, not {wanted!r}"]


def golden(pool: descriptor_pool.DescriptorPool, vector: dict) -> list[str]:
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(PACKAGE + "TelemetryBatch"))
    payload = bytes.fromhex(vector["payloadHex"])
    batch = kind.FromString(payload)
    wrong = [] if batch.SerializeToString(deterministic=True) == payload else ["written again, it has other bytes"]
    contexts = runs(batch.context_id.value, batch.context_id.run_length, batch.row_count)
    wrong += differences("/contextIds", contexts, vector["contextIds"])
    enums = pool.FindFileByName("gladhand/telemetry/v1/record.proto").enum_types_by_name
    named = ("vehicleId", "loadId", "capacityId", "dispatchId", "sensors")
    wanted = [{k: v for k, v in record.items() if k not in named} for record in vector["records"]]
    wrong += differences("/records", records(batch, contexts, enums), wanted)
    frame = vector["frame"]
    header = bytes.fromhex(frame["epochHex"])
    header += struct.pack(">IQI", frame["lane"], int(frame["firstSequence"]), frame["count"])
    return wrong + differences("/frame/crc32c", crc32c(header + payload), frame["crc32c"])


def records(batch, contexts: list[int], enums) -> list[dict]:
    """The rows of a batch, as their JSON."""
    rows = batch.row_count
    steps, times = batch.event_sequence_step_minus_one, batch.time_delta_of_delta
    sequence, time, delta = batch.first_event_sequence, batch.base_time_unix_nanos, 0
    located = present(batch.location_absent, rows)
    count = sum(located)
    high = present(batch.altitude_absent, count)
    latitude, longitude = delta2(batch.latitude_e7_deg, count), delta2(batch.longitude_e7_deg, count)
    altitude = iter(delta2(batch.altitude_mm, sum(high)))
    horizontal, vertical = delta1(batch.horizontal_accuracy_mm, count), delta1(batch.vertical_accuracy_mm, count)
    moving = present(batch.kinematics_absent, rows)
    motion = [delta1(column, sum(moving)) for column in (
        batch.speed_mmps, batch.heading_cdeg, batch.accel_longitudinal_mmps2, batch.accel_lateral_mmps2,
        batch.yaw_rate_mdegps)]
    modes = runs(batch.autonomy_mode.value, batch.autonomy_mode.run_length, rows)
    levels = runs(batch.autonomy_level.value, batch.autonomy_level.run_length, rows)
    traces, spans = byte_runs(batch.trace_id, 16, rows), byte_runs(batch.span_id, 8, rows)
    health, faults = sensors(batch, contexts, enums), faulty(batch, rows, enums)
    out, place, moved = [], 0, 0
    for row in range(rows):
        if row > 0:
            sequence = (sequence + 1 + at(steps, row - 1)) & MASK64
            delta += at(times, row - 1) * 1000 ** batch.time_unit
            time = (time + delta) & MASK64
        record = {"eventSequence": str(sequence), "observedTimeUnixNanos": str(time)}
        if traces[row]:
            record["traceId"] = traces[row]
        if spans[row]:
            record["spanId"] = spans[row]
        if located[row]:
            location = {"latitudeE7Deg": signed(latitude[place]), "longitudeE7Deg": signed(longitude[place])}
            if high[place]:
                location["altitudeMm"] = signed(next(altitude))
            location["horizontalAccuracyMm"], location["verticalAccuracyMm"] = horizontal[place], vertical[place]
            record["location"] = location
            place += 1
        if moving[row]:
            speed, heading, *rest = (column[moved] for column in motion)
            names = ("accelLongitudinalMmps2", "accelLateralMmps2", "yawRateMdegps")
            record["kinematics"] = {"speedMmps": signed(speed), "headingCdeg": heading}
            record["kinematics"] |= {name: signed(value) for name, value in zip(names, rest)}
            moved += 1
        if health[row]:
            record["sensorHealth"] = health[row]
        record["autonomyStatus"] = {
            "mode": label(enums["AutonomyMode"], "AUTONOMY_MODE_", signed(modes[row])),
            "level": label(enums["SaeLevel"], "", signed(levels[row])).replace("sae_level_unspecified", "unspecified")
            .replace("sae_level_", "sae_"),
        }
        if faults[row]:
            record["faultCode"] = faults[row]
        out.append(record)
    return out


def sensors(batch, contexts: list[int], enums) -> list[list[dict]]:
    states, change, row_of, index = {}, 0, 0, 0
    plus_one, scores = batch.sensor_change_status_plus_one, batch.sensor_change_score_permille_plus_one
    out = []
    for row, context in enumerate(contexts):
        state, first = states.setdefault(context, {}), True
        while change < len(plus_one) and row_of + at(batch.sensor_change_row, change) == row:
            step = at(batch.sensor_change_index_step, change)
            index = step if first else index + 1 + step
            first, row_of = False, row
            if plus_one[change] == 0:
                del state[index]
            else:
                status = label(enums["SensorStatus"], "SENSOR_STATUS_", signed(plus_one[change] - 1))
                state[index] = {"sensorIndex": index, "status": status}
                if at(scores, change):
                    state[index]["scorePermille"] = at(scores, change) - 1
            change += 1
        out.append([dict(state[index]) for index in sorted(state)])
    return out


def faulty(batch, rows: int, enums) -> list[list[dict]]:
    out, row = [[] for _ in range(rows)], 0
    for step, fault in zip(batch.fault_row, batch.fault):
        row += step
        entry = {
            "code": label(enums["FaultCode"], "FAULT_CODE_", fault.code),
            "severity": label(enums["FaultSeverity"], "FAULT_SEVERITY_", fault.severity),
            "active": fault.active,
        }
        for name, field in (("sensorIndex", "sensor_index"), ("j1939Spn", "j1939_spn"), ("j1939Fmi", "j1939_fmi")):
            if fault.HasField(field):
                entry[name] = getattr(fault, field)
        if fault.vendor_code:
            entry["vendorCode"] = fault.vendor_code
        out[row].append(entry)
    return out


def at(column, index: int) -> int:
    return column[index] if index < len(column) else 0


def delta1(column, count: int) -> list[int]:
    value, out = 0, []
    for index in range(count):
        value = (value + at(column, index)) & MASK32
        out.append(value)
    return out


def delta2(column, count: int) -> list[int]:
    value, delta, out = at(column, 0) & MASK32, 0, []
    for index in range(count):
        if index > 0:
            delta += at(column, index)
            value = (value + delta) & MASK32
        out.append(value)
    return out


def signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value


def present(absent: bytes, rows: int) -> list[bool]:
    return [not (row // 8 < len(absent) and absent[row // 8] >> row % 8 & 1) for row in range(rows)]


def runs(values, lengths, rows: int) -> list[int]:
    if not values:
        return [0] * rows
    if not lengths:
        return [values[0]] * rows
    return [value for value, length in zip(values, lengths, strict=True) for _ in range(length)]


def byte_runs(column, width: int, rows: int) -> list[str]:
    values = [column.value[i : i + width] for i in range(0, len(column.value), width)]
    numbers = runs(range(1, len(values) + 1), column.run_length, rows)
    return ["" if number == 0 or not any(values[number - 1]) else values[number - 1].hex() for number in numbers]


def label(enum, prefix: str, number: int) -> str | int:
    known = enum.values_by_number.get(number)
    if known is None:
        return number
    return known.name.removeprefix(prefix).lower()


def crc32c(data: bytes) -> int:
    crc = MASK32
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ MASK32


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

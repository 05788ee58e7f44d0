"""Publishing many records: as columns of several kinds of arrays, and as objects."""

from __future__ import annotations

import time
from array import array
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import gladhand
from gladhand.vehicle import Fault, Record, Sensor
from test_operations import enroute

TIMES = [time.time_ns() + step * 100_000_000 for step in range(4)]


def columns(**other: Any) -> dict[str, Any]:
    """Four records of one vehicle, without the load."""
    return {
        "vehicle_id": "aurora-trk-0417",
        "observed_at": array("q", TIMES),
        "lat": array("d", [32.7767, 32.7768, 32.7769, float("nan")]),
        "lon": array("d", [-96.797, -96.7971, -96.7972, float("nan")]),
        "speed_mps": array("f", [29.0, 29.25, 29.5, 29.75]),
        "heading_deg": array("d", [135.5] * 4),
        **other,
    }


def test_columns_of_any_buffer_arrive(carrier: gladhand.Sandbox) -> None:
    numbers = np.arange(8, dtype=np.int64)[::2] * 100_000_000 + TIMES[0]  # not contiguous
    with gladhand.Gateway(carrier.gateway_config_path) as gateway:
        for given in (
            columns(),
            columns(observed_at=numbers, lat=np.array([1.0, 2.0, 3.0, np.nan]), autonomy_mode="manual"),
            columns(observed_at=numbers.astype("datetime64[ns]"), autonomy_mode=np.array([1, 2, 3, 99], np.uint8)),
            columns(observed_at=numbers.astype(np.uint64), altitude_m=np.arange(4, dtype=np.int16)),
            columns(lat=None, lon=None, latitude_e7_deg=array("i", [1] * 4), longitude_e7_deg=array("i", [2] * 4)),
            columns(sensors=[Sensor("lidar", "degraded", name="front")], autonomy_level="sae_4"),
        ):
            before = gateway.stats().produced
            assert gateway.publish_columns(**given) == (4, 0, before + 1, before + 4)
        assert gateway.publish_columns(vehicle_id="v", observed_at=array("q")) == (0, 0, 0, 0)
        assert gateway.flush() == (24, 24, 0, 0)


def test_what_is_wrong_with_a_column_is_named(carrier: gladhand.Sandbox) -> None:
    big_endian = np.array(TIMES, ">i8")
    with gladhand.Gateway(carrier.gateway_config_path) as gateway:
        for given, error, problem in (
            (columns(lat=array("d", [1.0])), gladhand.errors.MisuseError, "lat has 1 value"),
            (columns(lat=array("d", [1, 2, 91, 4])), gladhand.errors.MisuseError, "row 2: latitude 91"),
            (columns(lon=None), gladhand.errors.MisuseError, "row 0: lat and lon belong together"),
            (columns(observed_at=array("d", TIMES)), gladhand.errors.MisuseError, "observed_at must have integers"),
            (columns(observed_at=array("q", [-1] * 4)), gladhand.errors.MisuseError, "observed_at has a number out"),
            (columns(observed_at=big_endian), gladhand.errors.MisuseError, '">q"'),
            (columns(autonomy_mode="warp"), gladhand.errors.MisuseError, "warp"),
            (columns(lat=[1.0, 2.0, 3.0, 4.0]), TypeError, "lat must be a NumPy array"),
            (columns(lat=np.zeros((2, 2))), ValueError, "lat must have one dimension"),
        ):
            with pytest.raises(error, match=problem):
                gateway.publish_columns(**given)
        assert gateway.stats() == (0, 0, 0, 0), "all of them or none"


def test_records_are_published_together(carrier: gladhand.Sandbox) -> None:
    start = datetime(2026, 2, 20, 8, tzinfo=timezone.utc)
    records = [
        Record(
            "aurora-trk-0417",
            observed_at=start + timedelta(seconds=place),
            lat=32.7767,
            lon=-96.797,
            sensors=(Sensor("lidar", "nominal"),),
            trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
            faults=(Fault("brake", "warning", j1939_spn=521049, j1939_fmi=5),) if place % 2 else (),
        )
        for place in range(5)
    ]
    with gladhand.Gateway(carrier.gateway_config_path) as gateway:
        assert gateway.publish_records(records) == (5, 0, 1, 5)
        with pytest.raises(gladhand.errors.MisuseError, match="latitude"):
            gateway.publish_records([records[0], records[1]._replace(lat=99.0)])
        with pytest.raises(ValueError, match="observed_at is missing"):
            gateway.publish_records([Record("aurora-trk-0417")])
        with pytest.raises(TypeError, match="speed_mps"):
            gateway.publish_records([records[0]._replace(speed_mps="fast")])  # type: ignore[arg-type]
        with pytest.raises(gladhand.errors.MisuseError, match="trace id"):
            gateway.publish_records([records[0]._replace(trace_id="4BF9")])
        assert gateway.flush() == (5, 5, 0, 0)


def test_what_had_to_go_is_told_at_once(carrier: gladhand.Sandbox) -> None:
    """The routine lane holds a limited number of bytes; without a collector it overflows."""
    rows = 20_000
    rng = np.random.default_rng(7)
    given: dict[str, Any] = {
        "vehicle_id": "v",
        "observed_at": np.arange(rows, dtype=np.int64) * 100_000_000,
        "lat": rng.uniform(-90, 90, rows),
        "lon": rng.uniform(-180, 180, rows),
        "altitude_m": rng.uniform(-400, 8000, rows),
        "speed_mps": rng.uniform(0, 40, rows),
        "heading_deg": rng.uniform(0, 360, rows),
    }
    gateway = gladhand.Gateway(carrier.gateway_config_path)
    gateway.open()
    carrier.close()
    dropped = 0
    for call in range(1, 61):
        published = gateway.publish_columns(**given)
        dropped += published.dropped
        assert published.accepted == rows
        stats = gateway.stats()
        assert stats.dropped == dropped
        assert stats.produced == call * rows == stats.acknowledged + stats.dropped + stats.pending
        if dropped > rows:
            break
    assert dropped > rows, "the backlog is bounded"


def test_a_place_from_columns_is_followed(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    tender = enroute(carrier, gh)
    ids: dict[str, Any] = {"load_id": tender.load_id, "dispatch_id": tender.dispatch_id or ""}
    with (
        gladhand.Gateway(carrier.gateway_config_path) as gateway,
        gh.telemetry.follow(tender.load_id).open() as positions,
    ):
        now = time.time_ns()
        one = {"observed_at": array("q", [now]), "lat": array("d", [32.7769]), "lon": array("d", [-96.7972])}
        gateway.publish_columns(**columns(**one, speed_mps=None, heading_deg=None), **ids)
        position = next(positions)
    assert (position.lat, position.lon) == (Decimal("32.7769"), Decimal("-96.7972"))

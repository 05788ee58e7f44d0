"""What the shared scenarios do not say because it differs by language: iterators, callbacks, arguments, the vehicle side."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

import gladhand
import gladhand.aio
from gladhand import models
from gladhand.vehicle import Fault, Sensor

DALLAS, HOUSTON = (32.7767, -96.797), (29.7604, -95.3698)


def accepted(carrier: gladhand.Sandbox, gh: gladhand.Client, load_id: str = "load-1") -> models.Tender:
    """A tender that the carrier accepted."""
    load = carrier.load(load_id)
    tender = gh.tenders.create(load, carrier="aurora", wait=20)
    assert tender.state == "accepted"
    return tender


def enroute(carrier: gladhand.Sandbox, gh: gladhand.Client) -> models.Tender:
    """A tender whose truck is under way."""
    tender = accepted(carrier, gh)
    for to in ("dispatched", "enroute"):
        carrier.control("/progress", {"tenderId": tender.tender_id, "to": to})
    for found in gh.tenders.watch(tender.tender_id):
        if found.state == "enroute":
            return found
    raise AssertionError("the watch ended")


def test_places_windows_and_spans_come_in_several_forms(gh: gladhand.Client) -> None:
    now = datetime.now(timezone.utc)
    forms = (
        {"origin": DALLAS, "destination": HOUSTON},
        {
            "origin": {"lat": 32.7767, "lon": Decimal("-96.797")},
            "destination": models.Place(lat="29.7604", lon="-95.3698"),
        },
        {"origin": DALLAS, "destination": HOUSTON, "window": (now, now + timedelta(days=20)), "radius_mi": 60},
        {"origin": DALLAS, "destination": HOUSTON, "equipment": "van", "weight_lbs": 30_000},
    )
    for form in forms:
        found = gh.capacity.search(**form)
        assert found.offers, form
        assert found.failures == ()


def test_a_naive_datetime_is_refused(gh: gladhand.Client) -> None:
    with pytest.raises(ValueError, match="time zone"):
        gh.capacity.search(origin=DALLAS, destination=HOUSTON, window=(datetime(2026, 1, 1), datetime(2026, 1, 2)))


def test_a_load_may_be_a_model_a_dict_or_text(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    load = carrier.load("load-1")
    first = gh.tenders.create(load, carrier="aurora", wait=timedelta(seconds=20))
    for form in (load.to_dict(), load.to_json(), load.to_json().decode(), load.document):
        again = gh.tenders.create(form, carrier="aurora")
        assert (again.tender_id, again.joined) == (first.tender_id, True)


def test_an_unknown_carrier_is_named(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    with pytest.raises(gladhand.errors.ConfigError, match="nobody") as caught:
        gh.tenders.create(carrier.load("load-1"), carrier="nobody")
    assert caught.value.code == "carrier_unknown"


def test_events_come_again_until_they_are_acknowledged(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    tender = accepted(carrier, gh)
    with gh.events("billing") as events:
        first, second = next(events), next(events)
        assert (first.sequence, second.sequence) == (1, 2)
        assert first.type == "gladhand.tender.received.v1"
        assert (first.tender_id, first.load_id) == (tender.tender_id, "load-1")
        first.ack()
    with gh.events("billing") as events:
        again = next(events)
        assert again.sequence == 2
        again.ack()


def test_one_reader_for_a_consumer(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    accepted(carrier, gh)
    with gh.events("billing") as events:
        next(events)
        with carrier.connect() as other, pytest.raises(gladhand.errors.ConflictError) as caught:
            next(other.events("billing"))
        assert caught.value.code == "consumer_leased"


def test_closing_ends_an_iteration_that_waits(gh: gladhand.Client) -> None:
    events = gh.events("billing").open()
    thread = threading.Thread(target=lambda: list(events))
    thread.start()
    events.close()
    thread.join(30)
    assert not thread.is_alive()


def test_an_event_is_acknowledged_while_the_next_is_awaited(carrier: gladhand.Sandbox) -> None:
    async def main() -> None:
        async with await gladhand.aio.connect(carrier.config_path) as gh:
            load = carrier.load("load-1")
            await gh.tenders.create(load, carrier="aurora", wait=20)
            async with gh.events("billing") as events:
                first, second = await events.__anext__(), await events.__anext__()
                waiting = asyncio.create_task(events.__anext__())
                await asyncio.sleep(0)
                await asyncio.wait_for(asyncio.gather(first.ack(), second.ack()), 30)
                waiting.cancel()

    asyncio.run(main())


def test_safety_calls_back(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    tender = enroute(carrier, gh)
    heard: list[models.Event] = []
    called = threading.Event()

    def callback(event: models.Event) -> None:
        heard.append(event)
        called.set()
        raise RuntimeError("a callback that fails must not silence the next event")

    with gh.on_safety(callback):
        exception = {"tenderId": tender.tender_id, "exceptionId": "x-1", "kind": "minimal_risk_stop"}
        carrier.control("/exception", {**exception, "severity": "critical", "effect": "safety"})
        assert called.wait(30)
    assert heard[0].type == "gladhand.exception.opened.v1"


def test_a_gateway_is_followed(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    tender = enroute(carrier, gh)
    with (
        gladhand.Gateway(carrier.gateway_config_path) as gateway,
        gh.telemetry.follow(tender.load_id).open() as positions,
    ):
        admission = gateway.publish(
            vehicle_id="aurora-trk-0417",
            load_id=tender.load_id,
            dispatch_id=tender.dispatch_id or "",
            observed_at=time.time_ns(),
            lat=32.7767,
            lon=-96.797,
            speed_mps=29.05,
            heading_deg=135.5,
            autonomy_mode="autonomous_enroute",
            autonomy_level="sae_4",
            sensors=[Sensor("lidar", "nominal", name="front"), Sensor("radar", "degraded", score_permille=700)],
            faults=[Fault("sensor_degraded", "warning", sensor_index=1)],
        )
        assert admission.accepted
        assert gateway.flush() == (1, 1, 0, 0)
        position = next(positions)
    assert (position.lat, position.lon) == (Decimal("32.7767"), Decimal("-96.797"))
    assert position.autonomy_mode == "autonomous_enroute"
    assert position.speed_mps == Decimal("29.05")


def test_a_record_with_half_a_place_is_refused(carrier: gladhand.Sandbox) -> None:
    with gladhand.Gateway(carrier.gateway_config_path) as gateway:
        with pytest.raises(gladhand.errors.MisuseError, match="belong together"):
            gateway.publish(vehicle_id="v", observed_at=1, lat=1.0)
        with pytest.raises(gladhand.errors.MisuseError, match="latitude"):
            gateway.publish(vehicle_id="v", observed_at=1, lat=91.0, lon=0.0)
        with pytest.raises(gladhand.errors.MisuseError, match="warp"):
            gateway.publish(vehicle_id="v", observed_at=1, autonomy_mode="warp")


def test_metrics_have_every_series_from_the_start(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    tender = accepted(carrier, gh)
    metrics = gh.metrics().validate()
    found = {sample.name: sample for sample in metrics.samples}
    assert set(found) >= {
        "gladhand_backpressure_ratio",
        "gladhand_event_gap_age_seconds",
        "gladhand_journal_unresolved",
        "gladhand_retry_budget",
        "gladhand_tender_unknown_age_seconds",
    }
    assert found["gladhand_journal_unresolved"].value == 0
    assert found["gladhand_retry_budget"].value > 0
    assert found["gladhand_retry_budget"].labels["partner"].text == "aurora"
    assert tender.tender_id.encode() not in metrics.to_json()
    assert b"load-1" not in metrics.to_json()
    gh.close()
    with pytest.raises(gladhand.Error) as caught:
        gh.metrics()
    assert caught.value.code == "client_closed"

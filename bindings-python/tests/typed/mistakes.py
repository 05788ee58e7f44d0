"""Mistakes that type checkers must find. Each line that ends in `# MISTAKE` and the codes of mypy and pyright is refused by
both with those, and no other line is (`test_types.py`). Nobody runs this."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import gladhand
import gladhand.aio
from gladhand import Gateway, models


def money() -> None:
    """A float is not exact."""
    models.Money(currency="USD", amount=1250.00)  # MISTAKE arg-type reportArgumentType
    models.Money(currency="USD", amount=1).amount = 0.1  # MISTAKE assignment reportAttributeAccessIssue
    models.Quantity(value=19.5, unit="lb")  # MISTAKE arg-type reportArgumentType
    models.Place(lat=41.8781, lon=-87.6298)  # MISTAKE arg-type reportArgumentType


def members(load: models.LoadTender) -> None:
    """A member that the contract requires, one that it has not, and one of another type."""
    models.Money(amount=Decimal("1250.00"))  # MISTAKE call-arg reportCallIssue
    models.Window(start="2026-03-01T08:00:00Z")  # MISTAKE call-arg reportCallIssue
    models.LoadTender(load_id="load-1")  # MISTAKE call-arg reportCallIssue
    models.Money(currency="USD", amount=1, cents=0)  # MISTAKE call-arg reportCallIssue
    models.Money("USD", 1)  # MISTAKE call-arg reportCallIssue
    print(load.weight)  # MISTAKE attr-defined reportAttributeAccessIssue
    load.stops.append(load.stops[0])  # MISTAKE attr-defined reportAttributeAccessIssue
    load.respond_by = timedelta(minutes=10)  # MISTAKE assignment reportAttributeAccessIssue
    load.revision = "2"  # MISTAKE assignment reportAttributeAccessIssue


def enumerations(load: models.LoadTender, gh: gladhand.Client) -> None:
    """A text that is none of it, and a value of another enumeration."""
    load.mode = "expres"  # MISTAKE assignment reportAttributeAccessIssue
    load.mode = models.RateBasis.FLAT  # MISTAKE assignment reportAttributeAccessIssue
    models.Rate(currency="USD", amount=1, basis="by the mile")  # MISTAKE arg-type reportArgumentType
    gh.tenders.list(state="acepted")  # MISTAKE arg-type reportArgumentType
    gh.dispatches.command("d", "halt", reason="r", requested_by="dana")  # MISTAKE arg-type reportArgumentType
    if gh.tenders.get("t").state is models.TenderState.ACEPTED:  # MISTAKE attr-defined reportAttributeAccessIssue
        pass


def units(gh: gladhand.Client, load: models.LoadTender) -> None:
    """A time span is seconds or a timedelta, weights are whole pounds, and degrees are a pair."""
    gh.tenders.create(load, carrier="aurora", wait="20s")  # MISTAKE arg-type reportArgumentType
    gh.tenders.create(load, carrier="aurora", wait_ms=20_000)  # MISTAKE call-arg reportCallIssue
    gh.dispatches.hold("d", reason="r", requested_by="dana", lease="PT5M")  # MISTAKE arg-type reportArgumentType
    gh.capacity.search(origin=(41.8, -87.6), destination="Los Angeles")  # MISTAKE arg-type reportArgumentType
    gh.capacity.search(origin=(41.8, -87.6), destination=(34.0, -118.2, 0))  # MISTAKE arg-type reportArgumentType
    gh.capacity.search(origin=(1, 2), destination=(3, 4), weight_lbs=42_000.5)  # MISTAKE arg-type reportArgumentType
    gh.capacity.search(origin=(1, 2), destination=(3, 4), radius_km=100)  # MISTAKE call-arg reportCallIssue


def calls(gh: gladhand.Client, load: models.LoadTender) -> None:
    """What must be named, what must be given, and what may not be left out."""
    gh.tenders.create(load)  # MISTAKE call-arg reportCallIssue
    gh.tenders.create(load, "aurora")  # MISTAKE call-arg reportCallIssue
    gh.tenders.withdraw("t")  # MISTAKE call-arg reportCallIssue
    gh.dispatches.revoke("d", "c", reason="wrong truck")  # MISTAKE call-arg reportCallIssue
    gh.inbox.receive({}, "{}")  # MISTAKE arg-type reportArgumentType
    print(gh.tenders.get("t").decision.decided_at)  # MISTAKE union-attr reportOptionalMemberAccess


async def both_worlds(gh: gladhand.Client, aio: gladhand.aio.Client) -> None:
    """A synchronous call has nothing to await, and an asynchronous one must be awaited."""
    await gh.health()  # MISTAKE misc reportGeneralTypeIssues
    aio.close()  # MISTAKE unused-coroutine reportUnusedCoroutine
    print(aio.health().status)  # MISTAKE attr-defined reportAttributeAccessIssue
    for _ in aio.tenders.watch("t"):  # MISTAKE attr-defined reportGeneralTypeIssues
        pass
    async for _ in gh.tenders.watch("t"):  # MISTAKE attr-defined reportGeneralTypeIssues
        pass
    with aio:  # MISTAKE attr-defined reportGeneralTypeIssues
        pass


def vehicles(gateway: Gateway) -> None:
    """The vehicle side."""
    gateway.publish(vehicle_id="truck-1", observed_at="now")  # MISTAKE arg-type reportArgumentType
    gateway.publish(vehicle_id="truck-1")  # MISTAKE call-arg reportCallIssue
    gateway.publish(vehicle_id="truck-1", observed_at=1, speed_mph=55)  # MISTAKE call-arg reportCallIssue

"""A typed program of a user: what every operation takes and gives. Type checkers read it (`test_types.py`), each statement of
what a type is included; and it runs, so that what they believe is what comes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from typing_extensions import assert_type

import gladhand
import gladhand.aio
from gladhand import contract, models

CHICAGO, LOS_ANGELES = (41.8781, -87.6298), (Decimal("34.0522"), "-118.2437")


def dispatcher(carrier: gladhand.Sandbox, gh: gladhand.Client) -> models.Tender:
    """The synchronous half."""
    window = (datetime.now(timezone.utc), datetime.now(timezone.utc) + timedelta(days=30))
    found = gh.capacity.search(origin=CHICAGO, destination={"lat": 34.0522, "lon": -118.2437}, window=window)
    assert_type(found, models.CapacityResult)
    assert_type(found.offers, tuple[models.CarrierOffer, ...])
    offer = found.offers[0].offer
    assert_type(offer, models.CapacityOffer)
    assert_type(offer.rate.amount, Decimal)
    assert_type(offer.available_window.end, datetime)
    load = carrier.load("typed-1", offer)
    verdict = gh.capacity.explain(load, offer)
    assert_type(verdict.verdict, models.Verdict)
    tender = gh.tenders.create(load, carrier="aurora", capacity=offer, wait=timedelta(seconds=20))
    assert_type(tender, models.Tender)
    assert_type(tender.state, models.TenderState)
    assert_type(tender.decision, "models.TenderDecision | None")
    assert_type(tender.reason, "models.Reason | None")
    assert tender.state is models.TenderState.ACCEPTED
    assert_type(gh.tenders.list(state="accepted"), list[models.Tender])
    for state in gh.tenders.watch(tender.tender_id):
        assert_type(state, models.Tender)
        break
    with gh.events("typed") as events:
        for delivery in events:
            assert_type(delivery, gladhand.Delivery)
            assert_type(delivery.data, models.StatusEvent)
            delivery.ack()
            break
    assert_type(gh.reconcile.run().differences, int)
    assert_type(gh.journal.export(), list[models.JournalEntry])
    assert_type(contract.next_states(tender.state), list[models.TenderState])
    return tender


async def board(path: str) -> models.Health:
    """The asynchronous half: the same names, awaited."""
    async with await gladhand.aio.connect(path) as gh:
        assert_type(gh, gladhand.aio.Client)
        found = await gh.capacity.search(origin=CHICAGO, destination=LOS_ANGELES, radius_mi=100.5)
        assert_type(found, models.CapacityResult)
        (tender,) = await gh.tenders.list()
        async for state in gh.tenders.watch(tender.tender_id):
            assert_type(state, models.Tender)
            break
        async with gh.events("typed") as events:
            async for delivery in events:
                assert_type(delivery, gladhand.aio.Delivery)
                await delivery.ack()
                break
        try:
            await gh.tenders.withdraw(tender.tender_id, reason="changed my mind")
        except gladhand.Error as error:
            assert_type(error.code, str)
            assert_type(error.retry_after_ms, "int | None")
            assert_type(error.violations, "tuple[gladhand.errors.Violation, ...]")
        health = await gh.health()
        assert_type(health, models.Health)
        return health


def order(load: models.LoadTender) -> models.LoadTender:
    """Documents, built and changed."""
    rate = models.Rate(currency="USD", amount=Decimal("1250.00"), basis="flat")
    assert_type(rate.basis, "models.RateBasis | None")
    rate.amount = 1300
    rate.basis = models.RateBasis.PER_MILE
    rate.basis = "flat"
    load.rate = rate
    load.respond_by = datetime.now(timezone.utc) + timedelta(minutes=10)
    load.mode = models.TenderMode("a mode of a later version")
    assert not load.mode.known
    load.mode = "express"
    stop = load.stops[0]
    assert_type(stop.location.lat, "Decimal | None")
    return load.copy()

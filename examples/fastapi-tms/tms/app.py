"""The web application: `uvicorn tms.app:app`. `TMS_DATABASE` names the database, `GLADHAND_CONFIG` the configuration of the
coupling, and `TMS_URL`, where carriers can reach it, the address of this application."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, NamedTuple

import gladhand.aio
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from gladhand.integrations import starlette

from . import store
from .consumer import Consumer
from .orders import Order

WAIT_S = 20
"""How long a dispatcher waits for the carrier's decision; after that it comes as an event."""
STATUS = {"validation": 422, "misuse": 400, "config": 400, "conflict": 409, "not_found": 404}
"""What a failure of these kinds is to our own clients; any other is the carrier's or the network's."""


class Tms(NamedTuple):
    """What the routes work with."""

    pool: store.Pool
    gh: gladhand.aio.Client


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connects before the first request; at the end finishes the event at hand, then lets go of everything."""
    logging.basicConfig(level=logging.INFO)
    async with store.pool() as pool, await gladhand.aio.connect() as gh:
        await store.prepare(pool)
        app.state.tms = Tms(pool, gh)
        async with Consumer(pool, gh):
            await subscribe(gh)
            yield


async def subscribe(gh: gladhand.aio.Client) -> None:
    """Asks every carrier to send its events here. One that is away is asked at the next start; its feed is read anyway."""
    url = os.environ.get("TMS_URL")
    for carrier in (await gh.health()).carriers if url else ():
        try:
            await gh.webhooks.subscribe(
                carrier=carrier.carrier,
                subscription_id="tms",
                url=f"{url}/webhooks/{carrier.carrier}",
                mtls="signature_only",
            )
        except gladhand.Error as error:
            logging.getLogger(__name__).warning("%s sends no webhooks: %s", carrier.carrier, error)


app = FastAPI(title="A small TMS", lifespan=lifespan)


def tms(request: Request) -> Tms:
    """What the lifespan has made."""
    made: Tms = request.app.state.tms
    return made


Connected = Annotated[Tms, Depends(tms)]


@app.exception_handler(gladhand.Error)
async def failed(_: Request, error: gladhand.Error) -> Response:
    """A failure of the coupling, with what to do about it."""
    after = {} if error.retry_after_ms is None else {"Retry-After": str(-(-error.retry_after_ms // 1000))}
    told = {"code": error.code, "detail": error.message, "remedy": error.remedy, "sent": error.sent}
    return JSONResponse(told, STATUS.get(error.kind, 503 if error.retry != "never" else 502), after)


async def planned(tms: Tms, load_id: str) -> gladhand.models.LoadTender:
    """The load, or 404."""
    load = await store.load(tms.pool, load_id)
    if load is None:
        raise HTTPException(404, f"there is no load {load_id}")
    return load


@app.post("/loads", status_code=201)
async def add(order: Order, tms: Connected) -> dict[str, str]:
    """Takes a customer's order."""
    load = order.load()
    if not await store.add_load(tms.pool, load):
        raise HTTPException(409, f"there is a load {load.load_id}")
    return {"load_id": load.load_id}


@app.get("/loads/{load_id}/offers")
async def offers(load_id: str, tms: Connected) -> list[dict[str, Any]]:
    """What carriers have for a load, with whether it fits."""
    load = await planned(tms, load_id)
    origin, destination = (stop.location for stop in (load.stops[0], load.stops[-1]))
    if origin.lat is None or origin.lon is None or destination.lat is None or destination.lon is None:
        raise HTTPException(409, "the load's docks have no position")
    found = await tms.gh.capacity.search(
        origin=(origin.lat, origin.lon), destination=(destination.lat, destination.lon), radius_mi=50
    )
    return [
        {
            "carrier": item.carrier,
            "capacity_id": item.offer.capacity_id,
            "amount": item.offer.rate.raw("amount"),
            "currency": item.offer.rate.currency,
            "verdict": tms.gh.capacity.explain(load, item.offer).verdict,
        }
        for item in found.offers
    ]


@app.post("/loads/{load_id}/tender")
async def tender(load_id: str, carrier: str, tms: Connected, capacity_id: str | None = None) -> dict[str, Any]:
    """Tenders a load. Harmless when repeated: the tender that holds the load is joined."""
    load = await planned(tms, load_id)
    offer = None if capacity_id is None else await tms.gh.capacity.get(carrier, capacity_id)
    made = await tms.gh.tenders.create(load, carrier=carrier, capacity=offer, wait=WAIT_S)
    await store.add_tender(tms.pool, made)
    reason = None if made.reason is None else made.reason.code
    return {"tender_id": made.tender_id, "state": made.state, "reason": reason, "joined": made.joined}


@app.get("/board")
async def board(tms: Connected) -> Sequence[store.OnBoard]:
    """Every load, its tender, and how far it is."""
    return await store.board(tms.pool)


@app.api_route("/webhooks/{carrier}", methods=["OPTIONS", "POST"])
async def webhook(request: Request, tms: Connected) -> Response:
    """A carrier's handshake and its events: verified and kept by the SDK, applied by the consumer."""
    return await starlette.receive(tms.gh, request)

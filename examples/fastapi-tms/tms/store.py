"""What is in the database. Each function is one transaction."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

import gladhand.aio
import psycopg
from gladhand import contract, models
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


@dataclass(frozen=True)
class OnBoard:
    """A line of the dispatchers' board."""

    load_id: str
    tender_id: str | None
    carrier: str | None
    state: str
    events: int
    updated_at: datetime


def pool() -> Pool:
    """Connections to the database that `TMS_DATABASE` names, opened when they are entered."""
    return AsyncConnectionPool(os.environ["TMS_DATABASE"], open=False, min_size=1, max_size=4)


async def prepare(connections: Pool) -> None:
    """Makes the tables that are not there."""
    async with connections.connection() as connection:
        await connection.execute(files("tms").joinpath("schema.sql").read_bytes())


async def add_load(connections: Pool, load: models.LoadTender) -> bool:
    """Keeps a new load; False if its id is taken."""
    async with connections.connection() as connection:
        added = await connection.execute(
            "INSERT INTO loads (load_id, document) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (load.load_id, load.to_json().decode()),
        )
        return added.rowcount == 1


async def load(connections: Pool, load_id: str) -> models.LoadTender | None:
    """A load, byte for byte as it was kept."""
    async with connections.connection() as connection:
        found = await connection.execute("SELECT document::text FROM loads WHERE load_id = %s", (load_id,))
        row = await found.fetchone()
        return None if row is None else models.LoadTender.from_json(row[0])


async def add_tender(connections: Pool, tender: models.Tender) -> None:
    """Keeps that a load was tendered, unless an event has said so first."""
    async with connections.connection() as connection:
        await connection.execute(
            "INSERT INTO tenders (tender_id, load_id, carrier) VALUES (%s, %s, %s)"
            " ON CONFLICT (tender_id) DO UPDATE SET carrier = excluded.carrier",
            (tender.tender_id, tender.load_id, tender.carrier),
        )


async def apply(connections: Pool, delivery: gladhand.aio.Delivery) -> bool:
    """Applies an event, unless it was applied: what it changes and that it was applied are one commit."""
    async with connections.connection() as connection:
        event = delivery.event
        added = await connection.execute(
            "INSERT INTO events (event_id, tender_id, sequence, type, document) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (event_id) DO NOTHING",
            (event.id, delivery.tender_id, delivery.sequence, delivery.type, event.to_json().decode()),
        )
        if added.rowcount == 0:
            return False
        await connection.execute(
            "INSERT INTO tenders (tender_id, load_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (delivery.tender_id, delivery.load_id),
        )
        found = await connection.execute(
            "SELECT state FROM tenders WHERE tender_id = %s FOR UPDATE", (delivery.tender_id,)
        )
        (before,) = await found.fetchone() or ("offer",)
        after = contract.state_after(models.TenderState(before), delivery.type)
        await connection.execute(
            "UPDATE tenders SET state = %s, events = events + 1, updated_at = now() WHERE tender_id = %s",
            (str(after), delivery.tender_id),
        )
        return True


async def board(connections: Pool) -> Sequence[OnBoard]:
    """Every load with its newest tender."""
    async with connections.connection() as connection:
        rows = connection.cursor(row_factory=class_row(OnBoard))
        await rows.execute(
            "SELECT DISTINCT ON (load_id) load_id, tender_id, carrier, coalesce(state, 'planned') AS state,"
            " coalesce(events, 0) AS events, coalesce(t.updated_at, l.created_at) AS updated_at"
            " FROM loads l LEFT JOIN tenders t USING (load_id) ORDER BY load_id, t.created_at DESC"
        )
        return await rows.fetchall()

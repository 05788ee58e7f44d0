"""Carriers' events on their way into the database: each is applied exactly once, whatever is killed in between. Its
transaction is committed first and acknowledged afterwards, so that nothing is lost; and it is known by its id, so that nothing
is done twice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from types import TracebackType

import gladhand.aio
import psycopg

from . import store

CONSUMER = "tms"
"""One name for all processes of the TMS: one of them at a time reads."""
PAUSE_S = 2
"""Between attempts, while another process reads or the database is away."""

_log = logging.getLogger(__name__)


class Consumer:
    """Reads while it is entered."""

    def __init__(self, pool: store.Pool, gh: gladhand.aio.Client) -> None:
        self._pool = pool
        self._gh = gh
        self._events: gladhand.aio.Events | None = None
        self._over = asyncio.Event()

    async def _run(self) -> None:
        while not self._over.is_set():
            try:
                await self._read()
            except gladhand.Error as error:
                # Such as `consumer_leased`, where another worker reads.
                _log.warning("events wait: %s", error)
            except psycopg.OperationalError:
                _log.exception("the database is away; events wait")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._over.wait(), PAUSE_S)

    async def _read(self) -> None:
        async with self._gh.events(CONSUMER) as self._events:
            async for delivery in self._events:
                applied = await store.apply(self._pool, delivery)
                _log.info("%s %s %s", delivery.load_id, delivery.type, "applied" if applied else "was applied before")
                await delivery.ack()

    async def __aenter__(self) -> Consumer:
        """Begins."""
        self._task = asyncio.create_task(self._run(), name="tms-events")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends after the event that is being applied."""
        self._over.set()
        if self._events is not None:
            await self._events.close()
        await self._task

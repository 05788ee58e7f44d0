"""Safety events, called back from a task of the running loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .. import models
from ..errors import Error
from ._streams import SafetyEvents

_log = logging.getLogger("gladhand")


class SafetyWatch:
    """A callback at work; close it to end it. It also ends with the client."""

    def __init__(self, events: SafetyEvents, callback: Callable[[models.Event], Any]) -> None:
        self._events = events
        self._callback = callback
        self._task = asyncio.get_running_loop().create_task(self._run(), name="gladhand-safety")

    async def _run(self) -> None:
        try:
            async for event in self._events:
                # A callback that fails must not silence the next safety event.
                try:
                    outcome = self._callback(event)
                    if inspect.isawaitable(outcome):
                        await outcome
                except Exception:
                    _log.exception("the safety callback failed")
        except Error:
            _log.exception("safety events ended")

    async def close(self) -> None:
        """Ends it, after the callback that runs right now."""
        await self._events.close()
        if asyncio.current_task() is not self._task:
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aenter__(self) -> SafetyWatch:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

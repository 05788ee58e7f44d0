"""Safety events, called back from a thread of their own."""

from __future__ import annotations

import logging
import threading
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
        # A daemon: a program that forgot to close its client still ends.
        self._thread = threading.Thread(target=self._run, name="gladhand-safety", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for event in self._events:
                # A callback that fails must not silence the next safety event.
                try:
                    self._callback(event)
                except Exception:
                    _log.exception("the safety callback failed")
        except Error:
            _log.exception("safety events ended")

    def close(self) -> None:
        """Ends it, after the callback that runs right now."""
        self._events.close()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> SafetyWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

"""What the core logs, joined to `logging`: `gladhand::tender` is the logger `gladhand.tender`. Imported by the first client or
gateway, so that a program without one pays nothing."""

from __future__ import annotations

import atexit
import logging
import os
import threading

from . import _exit
from ._gladhand import LogListener

ROOT = "gladhand"
LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG, "trace": 5}

_lock = threading.Lock()
_listener: tuple[int, LogListener] | None = None

# A library says nothing by itself; the host's own handlers decide.
logging.getLogger(ROOT).addHandler(logging.NullHandler())
# After that of `logging`, hence before it: what is said at the very end is still written.
atexit.unregister(_exit.close_all)
atexit.register(_exit.close_all)


def start() -> None:
    """Listens to the core, in this process and once; at the level that is wanted now."""
    global _listener  # noqa: PLW0603
    with _lock:
        if _listener is None or _listener[0] != os.getpid():
            _listener = (os.getpid(), LogListener.start(wanted(), deliver))
        else:
            _listener[1].set_level(wanted())


def stop() -> None:
    """Delivers what waits, and ends."""
    global _listener
    listener, _listener = _listener, None
    if listener is not None and listener[0] == os.getpid():
        listener[1].stop()


def deliver(records: list[tuple[float, str, str, str, dict[str, str], str | None]]) -> str:
    """Hands records to their loggers; says which level these want from now on."""
    for created, level, name, message, fields, trace_id in records:
        logger, number = logging.getLogger(name), LEVELS[level]
        if logger.isEnabledFor(number):
            record = logger.makeRecord(logger.name, number, "(core)", 0, message, (), None)
            # Not as `extra`, which refuses what a factory of the host has set already.
            record.__dict__.update(gladhand=fields, trace_id=trace_id)
            # When it happened, not when it came here.
            record.relativeCreated -= (record.created - created) * 1000
            record.created, record.msecs = created, float(int(created * 1000) % 1000)
            logger.handle(record)
    return wanted()


def wanted() -> str:
    """The most talkative level that one of our loggers lets through."""
    known = list(logging.root.manager.loggerDict.items())
    ours = [logger for name, logger in known if name.startswith(ROOT + ".") and isinstance(logger, logging.Logger)]
    most = min(logger.getEffectiveLevel() for logger in (logging.getLogger(ROOT), *ours))
    return next((name for name, number in LEVELS.items() if number <= most), "trace")


def _forked() -> None:
    global _lock, _listener
    _lock, _listener = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)

"""The end of the process: clients that nobody closed are closed before the interpreter goes, so that no thread of the core
comes home to one that is gone. And its forks: they wait until the journal is at rest, so that the child can open its own."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import weakref

from ._gladhand import Client, Gateway, after_fork, before_fork, in_forked_child, shutdown
from .errors import Error

_open: weakref.WeakSet[Client | Gateway] = weakref.WeakSet()


def keep(native: Client | Gateway) -> None:
    """Closes it at the end of the process, if it still lives then."""
    _open.add(native)


@atexit.register
def close_all() -> None:
    """Closes what nobody closed, and writes what the core had to say of it."""
    for native in list(_open):
        # Nobody is left to be told why one did not close well; a forked child is refused its parent's.
        with contextlib.suppress(Error):
            native.close().wait()
    logs = sys.modules.get("gladhand._logs")
    if logs is not None:
        logs.stop()
    shutdown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=before_fork,
        after_in_parent=after_fork,
        after_in_child=in_forked_child,
    )

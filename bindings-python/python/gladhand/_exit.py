"""The end of the process: clients that nobody closed are closed before the interpreter goes, so that no thread of the core
comes home to one that is gone."""

from __future__ import annotations

import atexit
import contextlib
import weakref

from . import _gladhand
from ._gladhand import Client, Gateway
from .errors import Error

_open: weakref.WeakSet[Client | Gateway] = weakref.WeakSet()


def keep(native: Client | Gateway) -> None:
    """Closes it at the end of the process, if it still lives then."""
    _open.add(native)


@atexit.register
def _close_all() -> None:
    for native in list(_open):
        # Nobody is left to be told why one did not close well; a forked child is refused its parent's.
        with contextlib.suppress(Error):
            native.close().wait()
    _gladhand.shutdown()

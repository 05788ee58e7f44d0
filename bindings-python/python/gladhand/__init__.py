"""Gladhand couples a TMS to carriers that run driverless trucks. Start with `connect()`, or with `sandbox()` for a local
carrier; `gladhand.aio` has the same names for asyncio.

    with gladhand.connect() as gh:
        found = gh.capacity.search(origin=(41.88, -87.63), destination=(34.05, -118.24))

The package holds no rule of the contract; the core in `_gladhand` does. Here are:

* `_sync`, `aio`: clients, gateways and the sandbox. * `vehicle`: what gateways publish.
* `trace_context`: the host's trace; its log is that of `logging`, under `gladhand`.
* `contract`: names, digests, signatures and states as functions, without a client.
* `integrations`: webhooks in web frameworks. * `pytest_plugin`: a carrier and a client for tests.
* `models`: the documents (generated). * `errors`: one class per family of failures under `Error` (generated).
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

# First, so that `models` is imported without being executed.
from . import _later, contract, errors, models
from ._gladhand import VERSION as __version__
from ._gladhand import Document
from ._sync._client import Client, connect
from ._sync._gateway import Gateway
from ._sync._safety import SafetyWatch
from ._sync._sandbox import Sandbox, sandbox
from ._sync._streams import Delivery, Events, Positions, SecurityEvents, Watch
from ._trace import trace_context
from .errors import Code, Error

if TYPE_CHECKING:
    from . import aio

__all__ = [
    "Client",
    "Code",
    "Delivery",
    "Document",
    "Error",
    "Events",
    "Gateway",
    "Positions",
    "SafetyWatch",
    "Sandbox",
    "SecurityEvents",
    "Watch",
    "__version__",
    "aio",
    "connect",
    "contract",
    "errors",
    "models",
    "sandbox",
    "trace_context",
]

del _later


def __getattr__(name: str) -> ModuleType:
    """`gladhand.aio` when it is first asked for: asyncio takes longer to import than all the rest of this package."""
    if name == "aio":
        return importlib.import_module(".aio", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

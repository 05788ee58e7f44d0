"""Gladhand for asyncio: the same names as `gladhand`, to be awaited.

    async with await gladhand.aio.connect() as gh:
        found = await gh.capacity.search(origin=…, destination=…)

Every call belongs to the loop that runs when it is awaited; a client may serve several loops. Cancelling an await cancels
the call in the core, but never withdraws a tender: what had left is resolved by the journal.
"""

from ._client import Client, connect
from ._gateway import Gateway
from ._safety import SafetyWatch
from ._sandbox import Sandbox, sandbox
from ._streams import Delivery, Events, Positions, SecurityEvents, Watch

__all__ = [
    "Client",
    "Delivery",
    "Events",
    "Gateway",
    "Positions",
    "SafetyWatch",
    "Sandbox",
    "SecurityEvents",
    "Watch",
    "connect",
    "sandbox",
]

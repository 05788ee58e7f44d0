"""The client: connect once, use it from anywhere in the process, close it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from .. import _arguments, models
from .._exit import keep
from .._gladhand import Client as Native
from ..errors import Error
from ._answer import answer
from ._dispatches import Dispatches
from ._identity import Identity
from ._safety import SafetyWatch
from ._services import Capacity, Documents, Inbox, Journal, Reconcile, Telemetry, Webhooks
from ._streams import Events, SafetyEvents, SecurityEvents
from ._tenders import Tenders


async def connect(path: str | Path | None = None, **overrides: str) -> Client:
    """Connects with the settings of `gladhand.toml` (or `path`), the `GLADHAND_*` variables, and `overrides`, the later
    winning: `connect(tenant="acme", journal__path="/var/lib/tms/journal.db")` sets `tenant` and `journal.path`.

    Opens the journal and begins to resolve what an earlier run left behind; calls no carrier yet. Raises `ConfigError` for a
    setting that is missing, unknown or wrong, naming the key; `IdentityError` (`certificate_unreadable`, `key_mismatch`,
    `certificate_expired`); `JournalError`.
    """
    call = Native.connect(None if path is None else str(path), _arguments.settings(overrides))
    overrides.clear()  # A key may be in it, and tracebacks may show the variables of a frame.
    return Client(await answer(call))


class Client:
    """One connection to all configured carriers, safe to share between threads and tasks. Use it as a context manager.

    After `close` every call raises `client_closed`; in a child of the process that connected, `forked_client`: connect there.
    """

    def __init__(self, native: Native) -> None:
        self._native = native
        keep(native)
        self.capacity = Capacity(native)
        """What carriers offer."""
        self.tenders = Tenders(native)
        """Offering loads to carriers."""
        self.inbox = Inbox(native)
        """Webhooks that carriers send."""
        self.webhooks = Webhooks(native)
        """Where carriers send their webhooks."""
        self.dispatches = Dispatches(native)
        """Vehicles at work, and asking their operators to stop, hold or resume."""
        self.documents = Documents(native)
        """Proofs of delivery and invoices."""
        self.telemetry = Telemetry(native)
        """Where loads are."""
        self.reconcile = Reconcile(native)
        """Comparing our history with the carriers'."""
        self.identity = Identity(native)
        """Our certificates and tokens: their state, rotation and end."""
        self.journal = Journal(native)
        """What was intended, sent, answered and heard."""

    def events(self, consumer: str) -> Events:
        """Events for the consumer of this name, each until it is acknowledged, across restarts; in order for each tender.

        One process at a time reads for a consumer; the steps of a second one raise `consumer_leased`.
        """
        return Events(consumer, lambda: self._native.events(consumer))

    async def on_safety(self, callback: Callable[[models.Event], Any]) -> SafetyWatch:
        """Calls back at once, out of band, for each safety event, first those that nobody was told yet, until what this returns
        is closed. Each at least once: keep by `event.id` what must not be done twice. What the callback raises is logged.
        Raises those of the journal."""
        return SafetyWatch(await SafetyEvents(self._native.safety).open(), callback)

    def security_events(self) -> SecurityEvents:
        """Every authentication, rotation, refusal and warning of an expiry from this call on, until it or the client is
        closed. A reader that falls more than 1024 events behind misses the oldest. Raises `client_closed` alone, and
        `forked_client`."""
        return SecurityEvents(self._native.security_events())

    async def jwks(self) -> models.JwkSet:
        """The public keys that our assertions are signed with (RFC 7517 §5), for you to serve at the address registered at
        the carriers, as `application/jwk-set+json` with a `Cache-Control: max-age` of at most `assertion_key_lead_s` (in
        seconds). Ask anew for every request: keys come and go. Raises those of the journal, which has their dates."""
        return models.JwkSet.from_document(await answer(self._native.jwks()))

    async def health(self) -> models.Health:
        """How the client and its carriers are. What fails is in the answer; raises those of the journal."""
        return models.Health.from_document(await answer(self._native.health()))

    async def metrics(self) -> models.Metrics:
        """Numbers to watch the client by: gauges, each a sample with its `name`, its `labels` and its `value`. Every series is
        there from the start, with a 0; only dates, in seconds since 1970, are there once there is one. Labels name partners
        and routes, never a load. Asks no carrier. Raises those of the journal, such as `journal_unwritable`."""
        return models.Metrics.from_document(await answer(self._native.metrics()))

    async def close(self) -> None:
        """Ends streams, gives back leases and closes the journal. What had left is resolved at the next start. Closing twice is
        fine; raises `forked_client` alone."""
        await answer(self._native.close())

    def __repr__(self) -> str:
        try:
            carriers = [generation.carrier for generation in self.identity.status().generations]
        except Error as error:
            return f"Client({error.code})"
        return f"Client(carriers={carriers})"

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

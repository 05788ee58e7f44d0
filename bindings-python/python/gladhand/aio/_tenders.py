"""Tenders: offering a load to a carrier, and what becomes of it."""

from __future__ import annotations

from .. import _arguments, models
from .._arguments import DocumentLike, SpanLike
from .._gladhand import Client as Native
from ._answer import answer
from ._streams import Watch


class Tenders:
    """Offering loads to carriers. A refusal is a tender in the state `rejected`, never an exception."""

    def __init__(self, native: Native) -> None:
        self._native = native

    async def create(
        self,
        load: DocumentLike,
        *,
        carrier: str,
        capacity: DocumentLike | None = None,
        wait: SpanLike | None = None,
    ) -> models.Tender:
        """Tenders the load; written to the journal and synced to disk before it is sent.

        Waits up to `wait` (seconds or a timedelta) for the decision; then it is `pending` and the decision comes as an event.
        A load that an open tender already holds is not sent again: that tender is returned, `joined`.
        """
        call = self._native.tender_create(
            _arguments.document(load), carrier, _arguments.maybe_document(capacity), _arguments.milliseconds(wait)
        )
        return models.Tender.from_document(await answer(call))

    async def tender_again(
        self,
        load: DocumentLike,
        *,
        carrier: str,
        capacity: DocumentLike | None = None,
        wait: SpanLike | None = None,
    ) -> models.Tender:
        """The next attempt of a load that its carrier has released. Raises `load_held` while it is still held."""
        call = self._native.tender_again(
            _arguments.document(load), carrier, _arguments.maybe_document(capacity), _arguments.milliseconds(wait)
        )
        return models.Tender.from_document(await answer(call))

    async def get(self, tender_id: str) -> models.Tender:
        """The tender as it is now; what the journal did not know is read from the carrier."""
        return models.Tender.from_document(await answer(self._native.tender_get(tender_id)))

    async def list(self, *, state: str | None = None) -> list[models.Tender]:
        """Every tender in the journal, or those in this state."""
        return [models.Tender.from_document(found) for found in await answer(self._native.tender_list(state))]

    def watch(self, tender_id: str) -> Watch:
        """The tender each time it changed, until its last state."""
        return Watch(lambda: self._native.tender_watch(tender_id))

    async def withdraw(self, tender_id: str, *, reason: str) -> models.Tender:
        """Withdraws the tender; after an acceptance that is `already_accepted`, and nothing is withdrawn."""
        return models.Tender.from_document(await answer(self._native.tender_withdraw(tender_id, reason)))

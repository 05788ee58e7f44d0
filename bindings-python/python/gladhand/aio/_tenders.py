"""Tenders: offering a load to a carrier, and what becomes of it."""

from __future__ import annotations

from .. import _arguments, models
from .._arguments import DocumentLike, SpanLike
from .._gladhand import Client as Native
from ._answer import answer
from ._streams import Watch


class Tenders:
    """Offering loads to carriers (contract 4). A refusal is a tender in the state `rejected`, never an exception.

    Beside what each call names it raises those of the connection (`NetworkError`, `AuthError`, `IdentityError`) and of the
    journal (`JournalError`); with `sent` at `maybe_sent` the journal finds out whether it arrived, and calling again joins.
    """

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

        What it raises, it raises before anything was executed: `schema_invalid` and the codes of broken rules, the codes of
        eligibility (`capacity.explain`), `carrier_unknown`, `environment_mismatch`, `epoch_changed`, `invalid_argument` where
        the load names another capacity than the one passed.
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
        """The next attempt of a load that its carrier has released. Raises `load_held` while it is still held, and as
        `create` does."""
        call = self._native.tender_again(
            _arguments.document(load), carrier, _arguments.maybe_document(capacity), _arguments.milliseconds(wait)
        )
        return models.Tender.from_document(await answer(call))

    async def get(self, tender_id: str) -> models.Tender:
        """The tender as it is now: asked of the carrier unless it is finished, and what the journal knows where the carrier
        cannot be reached. Raises `tender_unknown`."""
        return models.Tender.from_document(await answer(self._native.tender_get(tender_id)))

    async def list(self, *, state: models.TenderStateLike | None = None) -> list[models.Tender]:
        """Every tender in the journal, newest first, or those in this state. Raises `invalid_argument` for a state that this
        version does not know."""
        return [
            models.Tender.from_document(found)
            for found in await answer(self._native.tender_list(None if state is None else str(state)))
        ]

    async def revise(self, tender_id: str, load: DocumentLike, *, wait: SpanLike | None = None) -> models.Tender:
        """Sends new content of a tender that is not decided yet, as its next revision; offers for an older one are void
        (contract 4b, row 8).

        `load` is the whole LoadTender as it shall be; revision, tender id and mode are filled in. Waits up to `wait` (seconds
        or a timedelta) for the decision. Raises `already_accepted` where the carrier was faster: `amend` then proposes the
        change; `revision_content_conflict`, `stale_revision`, `revision_gap`, `illegal_transition`, `tender_unknown`, and the
        codes of broken rules.
        """
        call = self._native.tender_revise(tender_id, _arguments.document(load), _arguments.milliseconds(wait))
        return models.Tender.from_document(await answer(call))

    async def amend(self, tender_id: str, load: DocumentLike) -> models.Tender:
        """Proposes new content of an accepted tender (contract 4b, row 18). The tender stays as it is, with `amendment`
        `received`, until the carrier confirms or declines. Raises `illegal_transition`, `revision_content_conflict` while
        another proposal is open, `tender_unknown`."""
        call = self._native.tender_amend(tender_id, _arguments.document(load))
        return models.Tender.from_document(await answer(call))

    async def accept_counter(self, tender_id: str, *, wait: SpanLike | None = None) -> models.Tender:
        """Takes the carrier's counter offer, `decision.counter` (contract 4b, row 7): `accepted`, or `rejected` with
        `capacity_gone` where the capacity was taken meanwhile. Waits up to `wait` (seconds or a timedelta). Raises
        `counter_expired`, `illegal_transition` where there is no counter offer, `tender_unknown`."""
        call = self._native.tender_accept_counter(tender_id, _arguments.milliseconds(wait))
        return models.Tender.from_document(await answer(call))

    async def decline_counter(self, tender_id: str, *, reason: str | None = None) -> models.Tender:
        """Declines the carrier's counter offer: the tender is `rejected`, its load free (contract 4b, row 9). Raises as
        `accept_counter` does."""
        return models.Tender.from_document(await answer(self._native.tender_decline_counter(tender_id, reason)))

    async def request_cancel(self, tender_id: str, *, reason: str) -> models.Tender:
        """Asks to cancel an accepted or dispatched tender (contract 4b, row 16). The carrier may decline, and the load is held
        until it confirms: see `cancellation`. Raises `illegal_transition`, `tender_unknown`."""
        return models.Tender.from_document(await answer(self._native.tender_request_cancel(tender_id, reason)))

    async def release_unproven(self, tender_id: str, *, actor: str, reason: str, runbook: str) -> models.Tender:
        """The operator's override: frees a load whose carrier can neither confirm nor deny, once somebody has made sure by
        other means that no truck will come (contract 4b). `actor` decides, by the `runbook`, such as `RB-01`; both stand in
        the journal with the reason. Raises `illegal_transition` where the carrier's word is known or no load is held,
        `invalid_argument` for an empty name, `tender_unknown`."""
        call = self._native.tender_release_unproven(tender_id, actor, reason, runbook)
        return models.Tender.from_document(await answer(call))

    def watch(self, tender_id: str) -> Watch:
        """The tender as it is and each time it changes, until its last state; its carrier's feed is followed from then on.
        Its steps raise `tender_unknown`."""
        return Watch(lambda: self._native.tender_watch(tender_id))

    async def withdraw(self, tender_id: str, *, reason: str) -> models.Tender:
        """Withdraws the tender (contract 4b, row 11). Raises `already_accepted` after an acceptance: then nothing is
        withdrawn; `illegal_transition`, `tender_unknown`."""
        return models.Tender.from_document(await answer(self._native.tender_withdraw(tender_id, reason)))

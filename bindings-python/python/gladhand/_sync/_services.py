# Generated from gladhand/aio/_services.py by tools/make_sync.py. Do not edit.
"""Capacity, webhooks in and out, papers, positions, reconciliation and the journal: the small services of a client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import _arguments, models
from .._arguments import DocumentLike, Number, PlaceLike, WindowLike
from .._gladhand import Client as Native
from ._answer import answer
from ._streams import Positions


class Capacity:
    """What carriers offer, and whether a load fits it."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def search(
        self,
        *,
        origin: PlaceLike,
        destination: PlaceLike,
        window: WindowLike | None = None,
        equipment: str | None = None,
        weight_lbs: int | None = None,
        radius_mi: Number | None = None,
    ) -> models.CapacityResult:
        """Asks every configured carrier. A carrier that does not answer is among `failures`, not an exception.

        `radius_mi` are statute miles around both places, `weight_lbs` pounds of cargo.
        """
        request = models.CapacitySearch(
            origin=_arguments.place(origin),
            destination=_arguments.place(destination),
            window=_arguments.window(window),
            equipment=equipment,
            weight_lbs=weight_lbs,
            radius_mi=None if radius_mi is None else _arguments.decimal(radius_mi),
        )
        return models.CapacityResult.from_document(answer(self._native.capacity_search(request.document)))

    def explain(self, load: DocumentLike, offer: DocumentLike) -> models.Eligibility:
        """Whether the load fits the offer: `eligible`, `ineligible` or `unknown`, each check with its remedy.

        Asks nobody: the documents say it.
        """
        found = self._native.explain(_arguments.document(load), _arguments.document(offer))
        return models.Eligibility.from_document(found)


class Inbox:
    """Webhooks that carriers send."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def receive(
        self, headers: Mapping[str, str] | Iterable[tuple[Any, Any]], raw_body: bytes
    ) -> models.InboxReceipt:
        """Verifies, stores and applies one webhook; answer the carrier with the receipt's `status`.

        Pass the body exactly as it came: the signature covers its bytes. Raises `SecurityError` for one that was changed or
        that nobody known has signed; answer it with the error's `http_status`.
        """
        receipt = answer(self._native.receive(_arguments.headers(headers), raw_body))
        return models.InboxReceipt.from_document(receipt)


class Webhooks:
    """Where carriers send their webhooks."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def subscribe(
        self,
        *,
        carrier: str,
        subscription_id: str,
        url: str,
        types: Iterable[str] = (),
        mtls: str = "required",
    ) -> models.WebhookSubscription:
        """Asks the carrier to send events of these types (none named: all) to `url`; repeating it changes it.

        `mtls` is `required` or `signature_only`.
        """
        call = self._native.webhook_subscribe(carrier, subscription_id, url, list(types), mtls)
        return models.WebhookSubscription.from_document(answer(call))


class Documents:
    """Papers of a tender, such as the proof of delivery."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def list(self, tender_id: str) -> models.Value:
        """The carrier's list of papers, with `docId` and `type` of each."""
        return models.Value.from_document(answer(self._native.documents_list(tender_id)))["documents"]

    def get(self, tender_id: str, document_id: str) -> models.ProofOfDelivery:
        """One paper."""
        call = self._native.documents_get(tender_id, document_id)
        return models.ProofOfDelivery.from_document(answer(call))


class Telemetry:
    """Where loads are."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def follow(self, loads: str | Iterable[str]) -> Positions:
        """The positions of these loads as they arrive, each with its freshness; never ends by itself."""
        names = _arguments.names(loads)
        return Positions(lambda: self._native.telemetry_follow(names))


class Reconcile:
    """Comparing our history with the carriers'."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def run(self) -> models.ReconciliationReport:
        """Compares one digest per tender, repairs what can be repaired, reports the rest."""
        return models.ReconciliationReport.from_document(answer(self._native.reconcile()))


class Journal:
    """What was intended, sent, answered and heard: append-only, each entry chained to the one before."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def verify(self) -> models.JournalReport:
        """Checks every entry against its digest, and the chain."""
        return models.JournalReport.from_document(answer(self._native.journal_verify()))

    def export(self) -> list[models.JournalEntry]:
        """Every entry, oldest first."""
        entries = answer(self._native.journal_export())
        return [models.JournalEntry.from_document(entry) for entry in entries]

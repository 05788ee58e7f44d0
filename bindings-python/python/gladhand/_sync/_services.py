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
        """Asks every configured carrier (contract 3b). A carrier that fails, or takes longer than three seconds, is among
        `failures`, not an exception.

        Places are degrees (WGS 84), `radius_mi` statute miles around both, `weight_lbs` pounds of cargo. Raises
        `schema_invalid` for a search that the contract does not allow.
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

    def get(self, carrier: str, capacity_id: str) -> models.CapacityOffer:
        """One offer, fresh from the carrier, byte for byte. Raises `not_found`, `carrier_unknown`."""
        return models.CapacityOffer.from_document(answer(self._native.capacity_get(carrier, capacity_id)))

    def hold(self, carrier: str, capacity_id: str, *, hold_id: str | None = None) -> models.CapacityOffer:
        """Holds a slot of an offer before a load is tendered (contract 3b): the offer with its `hold`, which says until when.

        Without a `hold_id` it is a new hold; the same id again is the same hold. Raises `capacity_committed` where nothing is
        left, `hold_expired` for an id that was released or has lapsed.
        """
        call = self._native.capacity_hold(carrier, capacity_id, hold_id)
        return models.CapacityOffer.from_document(answer(call))

    def release(self, carrier: str, capacity_id: str, hold_id: str) -> models.CapacityOffer:
        """Lets a held slot go (contract 3b). Raises `hold_expired`, `not_found`."""
        call = self._native.capacity_release(carrier, capacity_id, hold_id)
        return models.CapacityOffer.from_document(answer(call))

    def explain(self, load: DocumentLike, offer: DocumentLike) -> models.Eligibility:
        """Whether the load fits the offer: `eligible`, `ineligible` or `unknown`, each check with its remedy (contract 3d).

        Asks nobody: a tare that neither names is what the carrier published when the offer came, else 35,000 lb. Raises
        `schema_invalid` for an offer that is none.
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
        """Verifies, stores and applies one webhook (contract 4e); answer the carrier with the receipt's `status`.

        Pass the body exactly as it came, at most 256 KiB: the signature covers its bytes. Answer what it raises with the
        error's `http_status`: `webhook_signature_missing`, `webhook_signature_invalid`, `webhook_source_foreign`,
        `clock_skew`, `too_large`, `unsupported_media`, `schema_invalid`.
        """
        receipt = answer(self._native.receive(_arguments.headers(headers), raw_body))
        return models.InboxReceipt.from_document(receipt)

    def handshake(self, headers: Mapping[str, str] | Iterable[tuple[Any, Any]]) -> models.InboxHandshake:
        """What to answer to the OPTIONS request with which a carrier asks whether it may send webhooks here (CloudEvents
        webhook 1.0, section 4): a status and header fields.

        Raises `schema_invalid` for a request that is no handshake, `webhook_source_foreign` for an origin of no configured
        carrier; answer those with the error's `http_status`.
        """
        return models.InboxHandshake.from_document(self._native.handshake(_arguments.headers(headers)))

    def answer(
        self, method: str, headers: Mapping[str, str] | Iterable[tuple[Any, Any]], raw_body: bytes
    ) -> models.InboxAnswer:
        """What to answer to any request to a webhook's address: `receive` for POST, `handshake` for OPTIONS, and the status
        of what they raise. `gladhand.integrations` is this for the web frameworks.

        Raises only what is not the sender's doing, such as `journal_unwritable`: answer that with 500 or 503, and the carrier
        comes again.
        """
        call = self._native.webhook(method, _arguments.headers(headers), raw_body)
        return models.InboxAnswer.from_document(answer(call))


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
        mtls: models.WebhookAuthLike | None = None,
    ) -> models.WebhookSubscription:
        """Asks the carrier to send events of these types (none named: all) to `url`; repeating it changes it.

        `mtls` is `required`, unless it is given as `signature_only`. Raises `carrier_unknown`, `schema_invalid` for an address
        that is not https.
        """
        call = self._native.webhook_subscribe(
            carrier, subscription_id, url, list(types), None if mtls is None else str(mtls)
        )
        return models.WebhookSubscription.from_document(answer(call))

    def get(self, *, carrier: str, subscription_id: str) -> models.WebhookSubscription:
        """The subscription as the carrier has it. Raises `not_found`, `carrier_unknown`."""
        return models.WebhookSubscription.from_document(
            answer(self._native.webhook_get(carrier, subscription_id))
        )

    def delete(self, *, carrier: str, subscription_id: str) -> models.WebhookSubscription:
        """Ends the subscription, and returns what it was. Raises `not_found`, `carrier_unknown`."""
        return models.WebhookSubscription.from_document(
            answer(self._native.webhook_delete(carrier, subscription_id))
        )


class Documents:
    """Papers of a tender, such as the proof of delivery (contract 3f)."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def list(self, tender_id: str) -> models.Value:
        """The carrier's list of papers, with `docId` and `type` of each. Raises `tender_unknown`, `not_found`."""
        return models.Value.from_document(answer(self._native.documents_list(tender_id)))["documents"]

    def get(self, tender_id: str, document_id: str) -> models.ProofOfDelivery:
        """One paper. Raises `tender_unknown`, `not_found`."""
        call = self._native.documents_get(tender_id, document_id)
        return models.ProofOfDelivery.from_document(answer(call))


class Telemetry:
    """Where loads are."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def follow(self, loads: str | Iterable[str]) -> Positions:
        """The newest positions of these loads as they arrive, each with its freshness; never ends by itself, and outwaits an
        outage.

        Its steps raise `tender_unknown` for a load without a tender, `tenant_forbidden` for one that is not under way,
        `scope_missing`, `data_sharing_denied`, `invalid_argument` without a load.
        """
        names = _arguments.names(loads)
        return Positions(lambda: self._native.telemetry_follow(names))


class Reconcile:
    """Comparing our history with the carriers'."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def run(self) -> models.ReconciliationReport:
        """Compares one digest per tender, repairs what can be repaired, reports the rest (contract 4c). A carrier that fails is
        named in the report; raises those of the journal, such as `journal_unwritable`."""
        return models.ReconciliationReport.from_document(answer(self._native.reconcile()))


class Journal:
    """What was intended, sent, answered and heard: append-only, each entry chained to the one before."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def verify(self) -> models.JournalReport:
        """Checks every entry against its digest, and the chain against its mirrored head: what is broken is in the report.
        Raises those of the journal, such as `journal_busy`."""
        return models.JournalReport.from_document(answer(self._native.journal_verify()))

    def export(self) -> list[models.JournalEntry]:
        """Every entry, oldest first, as it was sent and answered. Raises `journal_corrupt`."""
        entries = answer(self._native.journal_export())
        return [models.JournalEntry.from_document(entry) for entry in entries]

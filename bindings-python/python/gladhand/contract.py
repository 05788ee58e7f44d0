"""The contract by itself, for what a TMS does without a client: naming a tender before it is tendered, proving a history
equal, checking a webhook in front of the SDK, asking what may come next.

    from gladhand import contract

    contract.tender_id(environment="sandbox", tenant="acme", carrier="aurora", load_id="L-1", attempt=1)
    contract.next_states("enroute")  # [delivered, aborted]

Functions of their arguments: no client, no clock, no journal, no network. The core computes them; here they get names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from . import _arguments, _gladhand, models  # pyright: ignore[reportPrivateUsage]
from ._arguments import DocumentLike
from ._lexemes import InstantLike, format_instant

__all__ = [
    "VerifiedWebhook",
    "event_digest",
    "explain",
    "history_extend",
    "history_start",
    "idempotency_key",
    "next_states",
    "state_after",
    "tender_id",
    "verify_webhook",
]


class VerifiedWebhook(NamedTuple):
    """A webhook whose signature holds."""

    id: str
    """The webhook's id, the same on every attempt."""
    timestamp: int
    """When this attempt was made, in seconds since 1970."""
    key_id: str
    """The `key_id` of the key that signed it."""


def tender_id(*, environment: str, tenant: str, carrier: str, load_id: str, attempt: int) -> str:
    """The permanent id of a tender (contract 3a): `t-` and 22 characters, the same on every machine.

    `environment`, `tenant` and `carrier` are those of the configuration. `attempt` counts from 1; only a released load is
    tendered again. Raises `invalid_argument` for an attempt below 1.
    """
    return _gladhand.tender_id(environment, tenant, carrier, load_id, attempt)


def idempotency_key(*, environment: str, tenant: str, carrier: str, operation: str, operation_id: str) -> str:
    """The idempotency key of a mutation (contract 4c): 43 characters.

    `operation` is such as `tenders.create`; `operation_id` is what the contract's table has for it, such as the tender's id,
    `/` and the revision.
    """
    return _gladhand.idempotency_key(environment, tenant, carrier, operation, operation_id)


def event_digest(event: bytes | models.Event) -> str:
    """SHA-256 of an event's bytes as they came, in lower-case hexadecimal: what enters a history (contract 4e)."""
    return _gladhand.event_digest(event.to_json() if isinstance(event, models.Event) else event)


def history_start(tender_id: str) -> str:
    """The digest of a tender's history before its first event (contract 4e): 64 hexadecimal digits."""
    return _gladhand.history_start(tender_id)


def history_extend(previous: str, *, sequence: int, event_digest: str) -> str:
    """The digest of a history after one more event (contract 4e), from the digest before it, the event's `sequence` (from 1)
    and its `event_digest`. Both sides hold the same history if theirs are equal.

    Raises `invalid_argument` for a digest that is not 64 hexadecimal digits and for a sequence below 1.
    """
    return _gladhand.history_extend(previous, sequence, event_digest)


def verify_webhook(
    headers: Mapping[str, str] | Iterable[tuple[Any, Any]],
    raw_body: bytes,
    *,
    keys: Iterable[DocumentLike],
    at: InstantLike,
) -> VerifiedWebhook:
    """Verifies a webhook's signature (contract 4e): who signed these bytes, and when this attempt was made.

    Pass the body exactly as it came: the signature covers its bytes. `keys` are the `WebhookKey`s that the carrier
    publishes; one of a form that this version does not know is passed over, and so is one that is not good at the attempt's
    time. The attempt may be at most 300 seconds from `at`, an aware datetime or RFC 3339 text.

    It does not say whether the event is new or in order: `Client.inbox` does. Raises `webhook_signature_missing`,
    `webhook_signature_invalid`; `clock_skew` for a genuine webhook of another time; `schema_invalid` for a key that is none.
    """
    known = [_arguments.document(key) for key in keys]
    return VerifiedWebhook(*_gladhand.verify_webhook(_arguments.headers(headers), raw_body, known, _instant(at)))


def next_states(state: models.TenderStateLike) -> list[models.TenderState]:
    """Where a tender may go from this state (contract 4b), in the order of the table; nowhere from a final one. Where the
    state itself is in it, an event leads back to it.

    Raises `invalid_argument` for a state that this version does not know.
    """
    return [models.TenderState(found) for found in _gladhand.next_states(str(state))]


def state_after(state: models.TenderStateLike, event_type: str) -> models.TenderState:
    """The state of a tender after an event of this type, such as `gladhand.tender.accepted.v1` (contract 4b). What moves
    nothing leaves it where it is, an event type of a later version too (contract 5).

    Raises `illegal_transition` with what is allowed; `invalid_argument` for a state that this version does not know and for
    what is no event type.
    """
    return models.TenderState(_gladhand.state_after(str(state), event_type))


def explain(
    load: DocumentLike, offer: DocumentLike, *, at: InstantLike, assumed_tare_lbs: int | None = None
) -> models.Eligibility:
    """Whether the load fits the offer at a time, an aware datetime or RFC 3339 text: `eligible`, `ineligible` or `unknown`,
    each check with its remedy (contract 3b to 3d).

    `assumed_tare_lbs` is what an empty vehicle of unknown tare weighs in pounds, as the carrier publishes it; 35,000 unless
    given. `Client.capacity.explain` is this now, with what the offer's carrier publishes. Raises `schema_invalid` for an
    offer that is none.
    """
    found = _gladhand.explain(_arguments.document(load), _arguments.document(offer), _instant(at), assumed_tare_lbs)
    return models.Eligibility.from_document(found)


def _instant(at: InstantLike) -> str:
    return at if isinstance(at, str) else format_instant(at, "at")

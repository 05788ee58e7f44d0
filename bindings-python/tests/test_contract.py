"""The contract without a client: derivations, digests, signatures, transitions and eligibility, from the files that all four
languages read."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

import gladhand
from gladhand import Document, contract, models

FOLDER = Path(os.environ.get("GLADHAND_VECTORS", Path(__file__).parents[2] / "conformance" / "vectors"))
DERIVATION: dict[str, Any] = json.loads((FOLDER / "derivation.json").read_text("utf-8"))
TRANSITIONS: dict[str, Any] = json.loads((FOLDER / "transitions.json").read_text("utf-8"))
# Kept as it is written: numbers are lexemes.
ELIGIBILITY = models.Value.from_document(Document.parse((FOLDER / "eligibility.json").read_bytes()))
SCOPE = {"environment": "sandbox", "tenant": "acme", "carrier": "aurora"}


def key(public: str, key_id: str = "k-1", **more: Any) -> models.WebhookKey:
    """A key as a carrier publishes it."""
    return models.WebhookKey(key_id=key_id, public_key=public, **more)


def seconds(since_1970: int) -> datetime:
    """An instant."""
    return datetime.fromtimestamp(since_1970, timezone.utc)


def test_there_are_cases() -> None:
    found = {name: len(DERIVATION[name]) for name in ("tenderIds", "idempotencyKeys", "histories", "webhooks")}
    assert found == {"tenderIds": 7, "idempotencyKeys": 6, "histories": 3, "webhooks": 3}
    assert len(DERIVATION["signatures"]) == 23
    assert len(ELIGIBILITY["cases"]) == 87


@pytest.mark.parametrize("case", DERIVATION["tenderIds"], ids=lambda case: case["tenderId"])
def test_a_tender_id_is_derived(case: dict[str, Any]) -> None:
    scope = {name: case[name] for name in SCOPE}
    assert contract.tender_id(**scope, load_id=case["loadId"], attempt=case["attempt"]) == case["tenderId"]


@pytest.mark.parametrize("case", DERIVATION["idempotencyKeys"], ids=lambda case: case["key"])
def test_an_idempotency_key_is_derived(case: dict[str, Any]) -> None:
    scope = {name: case[name] for name in SCOPE}
    found = contract.idempotency_key(**scope, operation=case["operation"], operation_id=case["operationId"])
    assert found == case["key"]


@pytest.mark.parametrize("case", DERIVATION["histories"], ids=lambda case: case["tenderId"])
def test_a_history_has_its_digests(case: dict[str, Any]) -> None:
    digests = [contract.history_start(case["tenderId"])]
    for sequence, event in enumerate(case["events"], start=1):
        digest = contract.event_digest(event.encode())
        digests.append(contract.history_extend(digests[-1], sequence=sequence, event_digest=digest))
    assert digests == case["digests"]


@pytest.mark.parametrize("case", DERIVATION["webhooks"], ids=lambda case: case["signature"][:12])
def test_a_webhook_is_of_its_signer(case: dict[str, Any]) -> None:
    fields = {"webhook-id": case["id"], "webhook-timestamp": str(case["timestamp"])}
    fields["webhook-signature"] = case["signature"]
    keys, at, body = [key(case["publicKey"])], seconds(case["timestamp"]), case["body"].encode()
    assert contract.verify_webhook(fields, body, keys=keys, at=at) == (case["id"], case["timestamp"], "k-1")
    for changed, content in ((fields, body + b" "), ({**fields, "webhook-id": "evt-9"}, body)):
        with pytest.raises(gladhand.errors.SecurityError) as caught:
            contract.verify_webhook(changed, content, keys=keys, at=at)
        assert caught.value.code == "webhook_signature_invalid"


@pytest.mark.parametrize("case", DERIVATION["signatures"], ids=lambda case: case["title"])
def test_signatures_as_they_arrive(case: dict[str, Any]) -> None:
    keys = [key(public) for public in case["keys"]]
    try:
        at, body = seconds(case["now"]), case["body"].encode()
        outcome = contract.verify_webhook(case["headers"], body, keys=keys, at=at).id
    except gladhand.Error as error:
        outcome = error.code
    assert outcome == case["outcome"]


def test_a_key_is_good_for_its_time_alone() -> None:
    case = DERIVATION["webhooks"][0]
    fields = {"webhook-id": case["id"], "webhook-timestamp": str(case["timestamp"])}
    fields["webhook-signature"] = case["signature"]
    at, body = seconds(case["timestamp"]), case["body"].encode()
    over = key(case["publicKey"], "old", not_after=at)
    with pytest.raises(gladhand.errors.SecurityError, match="not good at its time"):
        contract.verify_webhook(fields, body, keys=[over], at=at)
    good = key(case["publicKey"], "new", not_before=at)
    later = key("whpq_AAAA", "of a later version")
    assert contract.verify_webhook(fields, body, keys=[later, over, good], at=at).key_id == "new"


def test_all_pairs_of_states() -> None:
    states = TRANSITIONS["states"]
    pairs: Counter[bool] = Counter()
    for line in TRANSITIONS["matrix"]:
        following = contract.next_states(line["from"])
        for to, cell in zip(states, line["to"], strict=True):
            assert (to in following) == (cell != "-"), f"{line['from']} to {to}: {cell}"
            pairs[to in following] += 1
        assert len(set(following)) == len(following)
        assert all(state.known for state in following)
    assert pairs == {True: 20, False: 124}


def test_every_event_from_every_state() -> None:
    moves = {(state, line["event"]): line["to"] for line in TRANSITIONS["moves"] for state in line["from"]}
    stays = {(state, line["event"]): state for line in TRANSITIONS["stays"] for state in line["in"]}
    ends = moves | stays
    events = {event for _, event in ends}
    assert (len(events), len(TRANSITIONS["states"])) == (21, 12)
    for state in TRANSITIONS["states"]:
        for event in events:
            name = f"gladhand.{event}.v1"
            if (state, event) in ends:
                assert contract.state_after(state, name) == ends[state, event]
            else:
                with pytest.raises(gladhand.errors.ConflictError) as caught:
                    contract.state_after(models.TenderState(state), name)
                assert caught.value.code == "illegal_transition"
                assert json.loads(caught.value.problem or "")["from"] == state


def applied(base: models.Value, changes: models.Value | None) -> Document:
    """A document with the changes of a case."""
    document = base.document
    for change in changes or ():
        pointer, value = change["pointer"].text or "", change.find("/value")
        document = document.remove(pointer) if value is None else document.patch(pointer, value.raw)
    return document


@pytest.mark.parametrize("case", list(ELIGIBILITY["cases"]), ids=lambda case: case["id"].text)
def test_a_load_is_explained_against_an_offer(case: models.Value) -> None:
    load = applied(ELIGIBILITY["load"], case.find("/loadSet"))
    offer = applied(ELIGIBILITY["offer"], case.find("/offerSet"))
    at = (case.find("/at") or ELIGIBILITY["at"]).text or ""
    tare = case.find("/tareLbs")
    answer = contract.explain(load, offer, at=at, assumed_tare_lbs=None if tare is None else tare.to_python())
    assert answer.validate().verdict == case["verdict"].text
    found = [
        {"code": check.code, "constraint": check.constraint, "load": check.load, "result": check.result}
        for check in answer.checks
    ]
    assert [check for check in found if check["result"] != "eligible"] == case["failed"].to_python()
    if (codes := case.find("/checks")) is not None:
        assert [check["code"] for check in found] == codes.to_python()
    assert all(check.remedy for check in answer.checks if check.result != "eligible")


def test_what_cannot_be_meant_is_refused() -> None:
    start = contract.history_start("t-1")
    digest = contract.event_digest(models.Event.from_json(b"{}"))
    assert digest == contract.event_digest(b"{}")
    for call in (
        lambda: contract.tender_id(**SCOPE, load_id="L-1", attempt=0),
        lambda: contract.history_extend(start, sequence=0, event_digest=digest),
        lambda: contract.history_extend(start[1:], sequence=1, event_digest=digest),
        lambda: contract.next_states("parked"),  # type: ignore[arg-type]
        lambda: contract.state_after("pending", "tender.accepted"),
        lambda: contract.explain("{}", "{}", at="yesterday"),
        lambda: contract.verify_webhook({}, b"", keys=[], at="1771594212"),
    ):
        with pytest.raises(gladhand.errors.MisuseError) as caught:
            call()
        assert caught.value.code == "invalid_argument"
    with pytest.raises(ValueError, match="time zone"):
        contract.explain("{}", "{}", at=datetime(2026, 2, 20))
    with pytest.raises(gladhand.errors.ValidationError):
        contract.verify_webhook({}, b"", keys=["{}"], at=seconds(0))

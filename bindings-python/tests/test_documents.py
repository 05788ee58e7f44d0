"""Documents keep every byte; changing one member through the typed model changes that member's bytes and no others."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal

import pytest

import gladhand
from gladhand import models

UNKNOWN = (
    b'{ "capacityId":"aurora-\\u00e9-1",\t"vehicleType":"tractor-std","autonomyLevel":"L4",\n'
    b'  "availableWindow":{"end":"2026-02-20T20:00:00Z","start":"2026-02-20T08:00:00Z"},\n'
    b'  "route":[{"from":{"lat":41.8781,"lon":-87.6298},"to":{"lat":34.0522,"lon":-118.2437}}],\n'
    b'  "constraints":{"maxWeightLbs":80000,"hazmat":false}, "x-odometer": 12345678901234567890123,\n'
    b'  "rate":{"currency":"USD","amount":1250.00,"x-discount":0.10}, "x-list":[1.0,1E2,null,{"a":"\\/"}] }'
)


def test_unknown_members_zeros_and_long_integers_survive() -> None:
    offer = models.CapacityOffer.from_json(UNKNOWN)
    assert offer.to_json() == UNKNOWN
    assert offer.rate.amount == Decimal("1250.00")
    assert offer.rate.raw("amount") == "1250.00"
    assert offer.document.raw("/x-odometer") == "12345678901234567890123"
    assert offer.capacity_id == "aurora-é-1"


def test_a_change_touches_one_member_only() -> None:
    offer = models.CapacityOffer.from_json(UNKNOWN)
    offer.rate.amount = Decimal("1300.50")
    assert offer.to_json() == UNKNOWN.replace(b"1250.00", b"1300.50")
    offer.constraints.hazmat = True
    assert offer.to_json() == UNKNOWN.replace(b"1250.00", b"1300.50").replace(b"false", b"true")


def test_money_goes_out_with_its_currencys_digits() -> None:
    offer = models.CapacityOffer.from_json(UNKNOWN.replace(b"1250.00", b"1250.0"))
    assert offer.rate.raw("amount") == "1250.0", "what came and was left alone keeps its lexeme"
    offer.rate.amount = Decimal(1300)
    assert offer.rate.raw("amount") == "1300.00"
    offer.rate.unit_price = Decimal("1.123456")
    assert offer.rate.raw("unit_price") == "1.123456"
    with pytest.raises(gladhand.errors.ValidationError, match="USD"):
        offer.rate.amount = Decimal("1300.005")
    assert offer.rate.amount == Decimal("1300.00")
    assert models.Money(amount=Decimal("7"), currency="KWD").to_json() == b'{"currency":"KWD","amount":7.000}'
    assert models.Money(amount=7, currency="JPY").raw("amount") == "7"
    with pytest.raises(gladhand.errors.ValidationError, match="JPY"):
        models.Money(amount=Decimal("7.5"), currency="JPY")


def test_a_float_is_refused_for_money() -> None:
    offer = models.CapacityOffer.from_json(UNKNOWN)
    with pytest.raises(TypeError, match="float"):
        offer.rate.amount = 1300.1  # type: ignore[assignment]
    assert offer.to_json() == UNKNOWN


def test_a_document_that_breaks_rules_names_each() -> None:
    with pytest.raises(gladhand.errors.ValidationError) as caught:
        models.CapacityOffer.from_json(b'{"capacityId":"a"}').validate()
    assert caught.value.code == "schema_invalid"
    assert "/rate" in [violation.path for violation in caught.value.violations]


@pytest.mark.parametrize("text", [b"", b"{", b'{"a":1,"a":2}', b"\xff", b"{} {}", b"[" * 40 + b"]" * 40, b"NaN"])
def test_what_is_not_one_json_text_is_refused(text: bytes) -> None:
    with pytest.raises(gladhand.errors.ValidationError) as caught:
        gladhand.Document.parse(text)
    assert caught.value.code == "malformed_json"


def test_documents_compare_hash_and_pickle_by_their_bytes() -> None:
    document = gladhand.Document.parse(UNKNOWN)
    assert pickle.loads(pickle.dumps(document)) == document
    assert len({document, gladhand.Document.parse(bytearray(UNKNOWN))}) == 1
    assert document != gladhand.Document.parse(b"{}")
    assert "1250" not in repr(document)


def test_a_document_goes_through_queues_and_copies_with_its_bytes() -> None:
    offer = models.CapacityOffer.from_json(UNKNOWN)
    for other in (pickle.loads(pickle.dumps(offer)), copy.deepcopy(offer), copy.copy(offer)):
        assert other == offer
        other.rate.amount = 7
        assert offer.rate.raw("amount") == "1250.00"
    rate = pickle.loads(pickle.dumps(offer.rate))
    assert (type(rate), rate.to_json()) == (models.Rate, b'{"currency":"USD","amount":1250.00,"x-discount":0.10}')
    value = offer.find("/x-list")
    assert value is not None
    assert pickle.loads(pickle.dumps(value)).raw == '[1.0,1E2,null,{"a":"\\/"}]'

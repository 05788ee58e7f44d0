"""The identity of a client: its state, its rotation by files and in memory, its end, and the security events of it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

import gladhand
import gladhand.aio
from gladhand import errors, models
from identities import CHICAGO, LOS_ANGELES, call, in_memory, renewed, seen, until


def present(gh: gladhand.Client) -> models.GenerationStatus:
    """The generation of credentials at the one carrier."""
    (generation,) = gh.identity.status().generations
    return generation


def tender(carrier: gladhand.Sandbox, gh: gladhand.Client, load_id: str) -> None:
    """A call that carries a proof of possession."""
    assert gh.tenders.create(carrier.load(load_id), carrier="aurora", wait=20).state == "accepted"


def keys(carrier: gladhand.Sandbox) -> set[str]:
    """The thumbprints of the keys whose proofs the carrier saw."""
    return {request["jkt"] for request in seen(carrier) if request.get("jkt")}


def test_a_renewed_pair_is_taken_up_and_the_carrier_sees_it(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    call(gh)
    before = gh.identity.status().validate()
    assert before.source == "pem"
    assert (present(gh).carrier, present(gh).generation) == ("aurora", 1)
    assert any(count.event == "token_obtained" and count.succeeded >= 1 for count in before.events)

    pair = renewed(carrier)
    assert present(gh).fingerprint != pair["fingerprint"]
    until("the new identity", lambda: present(gh).fingerprint == pair["fingerprint"])
    assert present(gh).generation == 2
    (certificate,) = (end for end in gh.identity.status().expiries if end.subject == "certificate")
    assert 3400 <= certificate.seconds_left <= 3600
    call(gh)
    tender(carrier, gh, "load-1")
    assert seen(carrier)[-1]["fingerprint"] == pair["fingerprint"]


def test_what_a_connection_negotiated(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    facts = gh.identity.connection("aurora").validate()
    assert (facts.version, facts.key_exchange) == ("TLSv1_3", "X25519MLKEM768")
    assert (facts.our_fingerprint, facts.generation) == (present(gh).fingerprint, 1)
    assert facts.peer_fingerprint == carrier.control("/tls", {"certificate": "good"}).to_python()["fingerprint"]
    assert facts.connected_at.tzinfo is not None
    with pytest.raises(errors.ConfigError, match="nobody") as caught:
        gh.identity.connection("nobody")
    assert caught.value.code == "carrier_unknown"


def test_a_rotation_on_demand_has_a_key_of_its_own(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    tender(carrier, gh, "load-1")
    before, first = present(gh), keys(carrier)
    assert len(first) == 1
    gh.identity.rotate()
    assert (present(gh).fingerprint, present(gh).generation) == (before.fingerprint, before.generation + 1)
    tender(carrier, gh, "load-2")
    assert len(keys(carrier)) == 2


def test_a_revoked_identity_calls_nobody_until_there_is_a_new_one(
    carrier: gladhand.Sandbox, gh: gladhand.Client
) -> None:
    call(gh)
    heard = len(seen(carrier))
    gh.identity.revoke_now()
    for attempt in (
        lambda: gh.tenders.create(carrier.load("load-1"), carrier="aurora"),
        gh.identity.rotate,
        lambda: gh.identity.connection("aurora"),
    ):
        with pytest.raises(errors.IdentityError) as caught:
            attempt()
        assert (caught.value.code, caught.value.sent) == ("identity_revoked", "not_sent")
    assert len(seen(carrier)) == heard
    pair = renewed(carrier)
    until("the new identity", lambda: present(gh).fingerprint == pair["fingerprint"])
    tender(carrier, gh, "load-1")


def test_files_are_not_replaced_by_the_program(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    pair = renewed(carrier, **{"as": "other"})
    certificate, key = Path(pair["certificate"]).read_bytes(), Path(pair["key"]).read_bytes()
    with pytest.raises(errors.MisuseError) as caught:
        gh.identity.replace(certificate=certificate, private_key=key)
    assert caught.value.code == "invalid_argument"
    assert present(gh).generation == 1


def test_pem_in_memory_is_replaced_by_the_program(carrier: gladhand.Sandbox) -> None:
    pair, own = renewed(carrier, **{"as": "other"}), in_memory(carrier.folder)
    certificate, key = Path(pair["certificate"]).read_text(), Path(pair["key"]).read_bytes()
    with gladhand.connect(carrier.config_path, **own) as gh:
        call(gh)
        with pytest.raises(errors.MisuseError, match="private_key"):
            gh.identity.replace(certificate=certificate)
        with pytest.raises(errors.IdentityError) as caught:
            gh.identity.replace(certificate=certificate, private_key=own["identity__private_key"])
        assert caught.value.code == "key_mismatch"
        assert present(gh).fingerprint != pair["fingerprint"]
        call(gh)

        gh.identity.replace(certificate=certificate, private_key=key)
        assert present(gh).fingerprint == pair["fingerprint"]
        call(gh)
        assert seen(carrier)[-1]["fingerprint"] == pair["fingerprint"]
        gh.identity.replace(trust=own["identity__trust"])
        assert gh.identity.connection("aurora").our_fingerprint == pair["fingerprint"]


def test_our_public_keys_for_others_to_verify_with(gh: gladhand.Client) -> None:
    (key,) = gh.jwks().validate().keys_
    assert (key["kty"].text, key["alg"].text) == ("EC", "ES256")
    assert key["kid"].text
    assert key.find("/d") is None


def test_an_identity_of_the_spiffe_workload_api(tmp_path: Path) -> None:
    socket = str(tmp_path / "workload.sock")
    with gladhand.sandbox(arguments=["--spiffe-socket", socket]) as carrier, carrier.connect() as gh:
        assert gh.identity.status().source == "spiffe"
        assert present(gh).uris[0].startswith("spiffe://")
        call(gh)
        assert gh.identity.connection("aurora").peer_uris[0].startswith("spiffe://")
        with pytest.raises(errors.MisuseError):
            gh.identity.replace(trust="x")


def test_security_events_are_told_from_the_call_on(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    with gh.security_events() as events:
        gh.identity.rotate()
        for event in events:
            if event.validate().message == "identity_rotated":
                break
    assert (event.class_uid, event.severity_id, event.status, event.status_code) == (3002, 1, "Success", None)
    service = event.find("/service/name")
    assert service is not None
    assert service.text == "aurora"
    assert event.unmapped["fingerprint"].text == present(gh).fingerprint
    assert list(events) == []

    carrier.control("/oauth", {"tokenType": "Bearer", "revokeTokens": True})
    events = gh.security_events()
    with pytest.raises(gladhand.Error):
        tender(carrier, gh, "load-1")
    failed = next(event for event in events if event.status == "Failure")
    assert failed.severity_id >= 3
    assert failed.status_code == "token_type_downgraded"
    assert failed.status_detail


def test_closing_the_client_ends_its_security_events(carrier: gladhand.Sandbox) -> None:
    gh = carrier.connect()
    events = gh.security_events()
    thread = threading.Thread(target=lambda: list(events))
    thread.start()
    gh.close()
    thread.join(30)
    assert not thread.is_alive()
    for operation in (gh.security_events, gh.identity.status, gh.identity.revoke_now, gh.identity.rotate):
        with pytest.raises(errors.MisuseError) as caught:
            operation()
        assert caught.value.code == "client_closed"


def test_the_same_for_asyncio(carrier: gladhand.Sandbox) -> None:
    pair, own = renewed(carrier, **{"as": "other"}), in_memory(carrier.folder)
    certificate, key = Path(pair["certificate"]).read_text(), Path(pair["key"]).read_text()

    async def main() -> None:
        async with await gladhand.aio.connect(carrier.config_path, **own) as gh, gh.security_events() as events:
            await gh.identity.replace(certificate=certificate, private_key=key)
            await asyncio.wait_for(told(events, "identity_rotated"), 30)
            facts = await gh.identity.connection("aurora")
            assert (facts.our_fingerprint, facts.version) == (pair["fingerprint"], "TLSv1_3")
            assert len((await gh.jwks()).keys_) == 1
            await gh.identity.rotate()
            assert gh.identity.status().generations[0].fingerprint == pair["fingerprint"]
            gh.identity.revoke_now()
            await asyncio.wait_for(told(events, "identity_revoked"), 30)
            found = await gh.capacity.search(origin=CHICAGO, destination=LOS_ANGELES)
            assert [failure.code for failure in found.failures] == ["identity_revoked"]
            waiting = asyncio.create_task(drained(events))
            await gh.close()
            await asyncio.wait_for(waiting, 30)

    async def drained(events: gladhand.aio.SecurityEvents) -> list[str]:
        return [event.message async for event in events]

    async def told(events: gladhand.aio.SecurityEvents, what: str) -> None:
        async for event in events:
            if event.message == what:
                return
        raise AssertionError(f"the events ended without {what}")

    asyncio.run(main())

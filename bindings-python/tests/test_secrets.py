"""Nothing secret is shown: by no object of a client, no document, no error (identity §5)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gladhand
import gladhand.aio
from gladhand import errors
from identities import CHICAGO, LOS_ANGELES, in_memory, renewed
from shown import leaks, shown

NOTE = "canary-of-a-note-in-the-pem"
"""Stands in every PEM text that is given in memory, before its first line."""
FORGED = "Y2FuYXJ5LW9mLWEta2V5LXRoYXQtaXMtbm9uZQ"
"""Stands where a key should."""
BAD_KEY = f"# {NOTE}\n-----BEGIN PRIVATE KEY-----\n{FORGED}\n-----END PRIVATE KEY-----\n"
KINDS = {"assertion", "key", "nonce", "proof", "token"}

Pem = dict[str, str]


@pytest.fixture(autouse=True)
def _canaries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where carriers write down what must not be shown."""
    if "GLADHAND_CANARIES" not in os.environ:
        monkeypatch.setenv("GLADHAND_CANARIES", str(tmp_path / "canaries.txt"))


@pytest.fixture
def own(carrier: gladhand.Sandbox) -> Pem:
    """The settings of a client whose PEM is in memory, each with a canary in it."""
    return {key: f"# {NOTE}\n{pem}" for key, pem in in_memory(carrier.folder).items()}


def test_the_search_finds_what_is_there(carrier: gladhand.Sandbox, own: Pem) -> None:
    with gladhand.connect(carrier.config_path, **own) as gh:
        gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
    known = Path(os.environ["GLADHAND_CANARIES"]).read_text()
    assert set(leaks(known)) >= KINDS
    assert leaks(shown(own), NOTE) == ["canary", "key"]

    class Careless:
        def __init__(self) -> None:
            self.inner = [{"key": own["identity__private_key"]}]

    assert leaks(shown(Careless())) == ["key"]
    error = ValueError("x")
    error.__cause__ = RuntimeError(own["identity__private_key"])
    assert leaks(shown(error)) == ["key"]


def test_negative_n32_nothing_that_a_client_holds_or_answers_shows_a_secret(
    carrier: gladhand.Sandbox, own: Pem
) -> None:
    with gladhand.connect(carrier.config_path, **own) as gh, gladhand.Gateway(carrier.gateway_config_path) as gateway:
        events = gh.security_events()
        tender = gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
        gh.identity.rotate()
        answers = [
            tender,
            gh.capacity.search(origin=CHICAGO, destination=LOS_ANGELES),
            gh.health(),
            gh.identity.status(),
            gh.identity.connection("aurora"),
            gh.jwks(),
            *(next(events) for _ in range(2)),
            *gh.journal.export(),
        ]
        held = [gh, gh._native, gh._native.health(), events, gh.events("billing"), gateway, carrier]
        unopened = gladhand.Gateway(carrier.gateway_config_path, **own)
        text = shown(*held, *answers, unopened) + b"".join(answer.to_json() for answer in answers).decode()
    assert "identity_rotated" in text
    assert leaks(text, NOTE) == []


def settings(own: Pem, other: Pem) -> dict[str, Pem]:
    """Settings that are refused, by what is wrong with them."""
    key = own["identity__private_key"]
    bare = "".join(line for line in key.splitlines() if not line.startswith(("-----", "#")))
    return {
        "no key": {**own, "identity__private_key": BAD_KEY},
        "the key of another certificate": {**own, "identity__private_key": other["identity__private_key"]},
        "certificate and key exchanged": {**own, "identity__private_key": own["identity__certificate"]}
        | {"identity__certificate": key},
        "a key without its PEM lines": {**own, "identity__private_key": bare},
        "a key under a name that is misspelt": {**own, "identity__private_kay": key},
        "a key as the address": {**own, "carriers__aurora__base_url": key},
        "a key as the tenant": {**own, "tenant": key},
        "a key as the trust": {**own, "identity__trust": key},
        "an assertion key that is none": {**own, "carriers__aurora__assertion_key": BAD_KEY},
    }


def test_negative_n32_settings_that_are_refused_show_no_secret(carrier: gladhand.Sandbox, own: Pem) -> None:
    renewed(carrier, **{"as": "other"})
    other = {"identity__private_key": (carrier.folder / "other-key.pem").read_text()}
    path = carrier.config_path
    for what, given in settings(own, other).items():
        with pytest.raises(gladhand.Error) as caught:
            gladhand.connect(path, **given)
        with pytest.raises(gladhand.Error) as awaited:
            asyncio.run(gladhand.aio.connect(path, **given))
        assert leaks(shown(caught.value, awaited.value), NOTE, FORGED) == [], what


def replacements(own: Pem) -> dict[str, dict[str, Any]]:
    """PEM that is refused."""
    certificate = own["identity__certificate"]
    return {
        "no key": {"certificate": certificate, "private_key": BAD_KEY},
        "a key that is no text": {"certificate": certificate, "private_key": BAD_KEY.encode() + b"\xff\xfe"},
        "a key with a lone surrogate": {"certificate": certificate, "private_key": "\ud800" + BAD_KEY},
        "a key alone": {"private_key": own["identity__private_key"]},
        "a key as the trust": {"trust": own["identity__private_key"]},
        "a key as the lists": {"crl": own["identity__private_key"]},
    }


def test_negative_n32_pem_that_is_refused_shows_no_secret(carrier: gladhand.Sandbox, own: Pem) -> None:
    async def replaced(given: dict[str, Any]) -> None:
        async with await gladhand.aio.connect(carrier.config_path, **own) as gh:
            await gh.identity.replace(**given)

    with gladhand.connect(carrier.config_path, **own) as gh:
        for what, given in replacements(own).items():
            with pytest.raises(gladhand.Error) as caught:
                gh.identity.replace(**given)
            with pytest.raises(gladhand.Error) as awaited:
                asyncio.run(replaced(given))
            assert leaks(shown(caught.value, awaited.value), NOTE, FORGED) == [], what
        gh.identity.rotate()


REFUSALS: dict[str, dict[str, Any]] = {
    "a token of a lesser type": {"tokenType": "Bearer"},
    "a token for another audience": {"audience": "wrong"},
    "a signature of somebody else": {"signature": "foreign"},
    "no signature": {"signature": "none"},
    "a nonce at every call": {"resourceNonce": "always"},
    "a nonce that nobody may send": {"resourceNonce": "illegal"},
}


@pytest.mark.parametrize("what", REFUSALS)
def test_negative_n32_a_refused_token_shows_no_secret(carrier: gladhand.Sandbox, own: Pem, what: str) -> None:
    carrier.control("/oauth", {**REFUSALS[what], "revokeTokens": True})
    with gladhand.connect(carrier.config_path, **own) as gh:
        events = gh.security_events()

        def attempt() -> object:
            return gh.tenders.create(carrier.load("load-1"), carrier="aurora")

        error = failure(attempt)
        told = gh.identity.status()
        events.close()
    assert leaks(shown(error, told, error.problem) + told.to_json().decode(), NOTE) == []


def failure(attempt: Callable[[], object]) -> gladhand.Error:
    """The error that it must raise."""
    with pytest.raises((errors.AuthError, errors.SecurityError)) as caught:
        attempt()
    return caught.value

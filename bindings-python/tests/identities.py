"""What the tests of the identity share: waiting for a state, connecting with PEM in memory, what the carrier saw."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gladhand

CHICAGO, LOS_ANGELES = (41.8781, -87.6298), (34.0522, -118.2437)
PATIENCE_S = 60.0


def until(what: str, holds: Callable[[], bool]) -> None:
    """Waits until it holds."""
    limit = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < limit, f"in vain: {what}"
        time.sleep(0.02)


def in_memory(folder: Path) -> dict[str, str]:
    """The settings of a client whose PEM is in memory, from the files of a carrier."""
    names = {"certificate": "client.pem", "private_key": "client-key.pem", "trust": "ca.pem"}
    return {f"identity__{key}": (folder / name).read_text() for key, name in names.items()}


def renewed(carrier: gladhand.Sandbox, **fields: object) -> dict[str, Any]:
    """A new pair of the client: over its files, or elsewhere with `as`."""
    pair: dict[str, Any] = carrier.control("/identity", {"issue": "client", "lifetimeS": 3600, **fields}).to_python()
    return pair


def seen(carrier: gladhand.Sandbox) -> list[dict[str, Any]]:
    """The requests that reached the carrier, with the certificate and the proof's key of each."""
    requests: list[dict[str, Any]] = carrier.control("/fingerprints").to_python()["requests"]
    return requests


def call(gh: gladhand.Client) -> None:
    """A call of the carrier, whatever it answers."""
    found = gh.capacity.search(origin=CHICAGO, destination=LOS_ANGELES)
    if found.failures:
        raise AssertionError(found.failures[0].to_dict())

"""What the tests stand on: the installed wheel, a sandbox carrier for each test that asks for one, the shared vectors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import gladhand
from silent import Silent, silent

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def vectors() -> Path:
    """`conformance/vectors`."""
    return Path(os.environ.get("GLADHAND_VECTORS", ROOT / "conformance" / "vectors"))


@pytest.fixture
def carrier() -> Iterator[gladhand.Sandbox]:
    """A sandbox carrier of its own."""
    with gladhand.sandbox() as carrier:
        yield carrier


@pytest.fixture
def gh(carrier: gladhand.Sandbox) -> Iterator[gladhand.Client]:
    """A client of the carrier."""
    with carrier.connect() as client:
        yield client


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Silent]:
    """A carrier that never answers."""
    with silent(tmp_path) as carrier:
        yield carrier

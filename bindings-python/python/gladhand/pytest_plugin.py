"""Fixtures for pytest, there wherever this package is installed: a local carrier and a client of it. Without pytest, use
`gladhand.sandbox()` itself: it is a context manager (`unittest.TestCase.enterContext`).

* `gladhand_carrier`: a carrier for each test, so that none finds another's tenders, policies or faults. Starting one takes some
  50 ms; `gladhand_carrier_scope = "session"` (or module, class, package) among pytest's settings shares it, and then tests must
  keep their load ids apart.
* `gladhand_settings`: what `gladhand.connect(**settings)` and `gladhand.aio.connect(**settings)` take to reach it, with a
  journal of the test's own.
* `gladhand_client`: a synchronous client, connected with those and closed after the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from ._sync._client import Client, connect
from ._sync._sandbox import Sandbox, sandbox

SCOPE = "gladhand_carrier_scope"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting."""
    parser.addini(
        SCOPE, "how long gladhand_carrier lives: function, class, module, package or session", default="function"
    )


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    return cast("str", config.getini(SCOPE))


@pytest.fixture(scope=_scope)
def gladhand_carrier() -> Iterator[Sandbox]:
    """A local carrier; see `gladhand.sandbox`."""
    with sandbox() as carrier:
        yield carrier


@pytest.fixture
def gladhand_settings(gladhand_carrier: Sandbox, tmp_path: Path) -> dict[str, str]:
    """What `connect` takes to reach the carrier, with a journal of the test's own."""
    return {"path": str(gladhand_carrier.config_path), "journal__path": str(tmp_path / "gladhand-journal.db")}


@pytest.fixture
def gladhand_client(gladhand_settings: dict[str, str]) -> Iterator[Client]:
    """A client of the carrier."""
    with connect(**gladhand_settings) as client:
        yield client

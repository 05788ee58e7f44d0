"""The scenarios of `conformance/vectors`: the same conversations as in Rust, Node and Swift, in both halves of the package."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest

import gladhand
import gladhand.aio
import scenario

VECTORS = Path(os.environ.get("GLADHAND_VECTORS", Path(__file__).parents[2] / "conformance" / "vectors"))
FILES = sorted((VECTORS / "scenarios").glob("*.json"))


def test_there_are_scenarios() -> None:
    assert len(FILES) >= 10


@pytest.mark.parametrize("api", [gladhand, gladhand.aio], ids=["sync", "asyncio"])
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_scenario(api: ModuleType, file: Path, tmp_path: Path) -> None:
    scenario.play(api, file, VECTORS, tmp_path)

"""The fixtures that come with the package, in a test suite of a user: found by themselves, as pytest finds plugins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"

SHARED = """
import gladhand

seen = []


def test_one(gladhand_carrier, gladhand_client):
    seen.append(gladhand_carrier.url)
    gladhand_client.tenders.create(gladhand_carrier.load("shared-1"), carrier="aurora", wait=20)
    assert len(gladhand_client.tenders.list()) == 1


def test_two(gladhand_carrier, gladhand_client):
    seen.append(gladhand_carrier.url)
    assert gladhand_client.tenders.list() == []


def test_scope(request):
    assert len(set(seen)) == (1 if request.config.getini("gladhand_carrier_scope") == "session" else 2)
"""


def suite(folder: Path, text: str, *options: str) -> str:
    (folder / "test_tms.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--rootdir", ".", *options],
        cwd=folder,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def snippets() -> dict[str, str]:
    """The README's two suites."""
    section = README.read_text().partition("\n## Tests of your own")[2]
    return {
        text.splitlines()[0]: text for text in re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    }


@pytest.mark.parametrize(("first", "passed"), [("# pytest", 2), ("# unittest", 1)])
def test_the_readmes_suites_pass(first: str, passed: int, tmp_path: Path) -> None:
    assert f"{passed} passed" in suite(tmp_path, snippets()[first])


@pytest.mark.parametrize("scope", ["function", "session"])
def test_a_carrier_lives_as_long_as_the_setting_says(scope: str, tmp_path: Path) -> None:
    assert "3 passed" in suite(tmp_path, SHARED, "--override-ini", f"gladhand_carrier_scope={scope}")


def test_the_fixtures_are_documented(tmp_path: Path) -> None:
    listed = suite(tmp_path, "def test_nothing():\n    pass\n", "--fixtures")
    assert set(re.findall(r"^(gladhand_\w+)", listed, re.MULTILINE)) == {
        "gladhand_carrier",
        "gladhand_client",
        "gladhand_settings",
    }

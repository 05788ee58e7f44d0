"""The ten lines of the README and those of the life of a load, run as they stand there."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path

README = Path(os.environ.get("GLADHAND_README", Path(__file__).parents[2] / "README.md"))


def run(page: Path) -> list[str]:
    """Runs the lines of a page as one program; what it printed."""
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile("".join(blocks), page.name, "exec"), {"__name__": "__main__"})
    return said.getvalue().splitlines()


def test_the_ten_lines_run() -> None:
    first, second, third = run(README)
    assert first.endswith("eligible")
    assert second.startswith("accepted")
    assert third == "0 differences"


def test_the_life_of_a_load_runs() -> None:
    page = README.parent / "docs" / "tender.md"
    promised = re.findall(r"^prints `(.*)`\.$", page.read_text(), re.MULTILINE)
    events = ["1 gladhand.tender.received.v1", "2 gladhand.tender.accepted.v1"]
    assert run(page) == [promised[0], *events, *promised[1:]]
    assert len(promised) == 3

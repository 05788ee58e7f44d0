"""Every page of the documentation whose blocks are Python, run as it stands there: the blocks of a page are one program.

What a page promises ("prints `…`.") must be among the lines that it prints. A comment `<!-- python … -->` has what a page
does not show of its program.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(os.environ.get("GLADHAND_README", Path(__file__).parents[2] / "README.md")).parent / "docs"
BLOCK = re.compile(r"^(?:```python\n(.*?)^```|<!-- python\n(.*?)^-->)", re.MULTILINE | re.DOTALL)
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if BLOCK.search(page.read_text())]


def test_there_are_pages() -> None:
    assert len(PAGES) > 3, PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_page_runs(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    program = "".join(shown or hidden for shown, hidden in BLOCK.findall(text))
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    for promised in re.findall(r"\bprints? `(.*)`\.$", text, re.MULTILINE):
        assert promised in lines, run.stdout

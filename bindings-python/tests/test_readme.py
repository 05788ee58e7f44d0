"""The ten lines of the README, run as they stand there."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path

README = Path(os.environ.get("GLADHAND_README", Path(__file__).parents[2] / "README.md"))


def test_the_ten_lines_run() -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(program, README.name, "exec"), {"__name__": "__main__"})
    first, second, third = said.getvalue().splitlines()
    assert first.endswith("eligible")
    assert second.startswith("accepted")
    assert third == "0 differences"

"""Writes `gladhand._sync` from `gladhand.aio`: one hand-written source, two halves that cannot drift apart.

python tools/make_sync.py          # writes
python tools/make_sync.py --check  # fails if something is out of date
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "python" / "gladhand"
MODULES = ("_client", "_dispatches", "_gateway", "_identity", "_sandbox", "_services", "_streams", "_tenders")
OPENING = "# Generated from gladhand/aio/{name}.py by tools/make_sync.py. Do not edit.\n"
REPLACEMENTS = (
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
    (r"\bStopAsyncIteration\b", "StopIteration"),
)


def synchronous(name: str, source: str) -> str:
    """The synchronous form of an asynchronous module."""
    for pattern, replacement in REPLACEMENTS:
        source = re.sub(pattern, replacement, source)
    return OPENING.format(name=name) + source


def main() -> int:
    """Writes or checks every module."""
    stale = []
    for name in MODULES:
        target = PACKAGE / "_sync" / f"{name}.py"
        text = synchronous(name, (PACKAGE / "aio" / f"{name}.py").read_text())
        if target.exists() and target.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            target.write_text(text)
    print(f"_sync: {', '.join(stale) if stale else 'nothing'} {'stale' if '--check' in sys.argv else 'written'}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())

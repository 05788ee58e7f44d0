"""The sandbox carrier of Gladhand as a program: `gladhand.sandbox()` finds it here, and so does `gladhand-sandbox` in a shell."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

__all__ = ["program"]


def program() -> Path:
    """Where the program lies."""
    return Path(__file__).resolve().parent / "gladhand-sandbox"


def main() -> NoReturn:
    """Becomes the program, with the arguments of this process."""
    os.execv(program(), ["gladhand-sandbox", *sys.argv[1:]])  # noqa: S606

"""What type checkers make of the installed package: a typed program passes, the mistakes of `typed/mistakes.py` do not, and the
stub of the native module says what is there. By mypy and pyright, both strict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

import gladhand
from typed import program

TYPED = Path(__file__).parent / "typed"
SITE = Path(gladhand.__file__).parents[1]
ALLOWED = (
    # What a test build has beside, and the list of all names, which has those too.
    r"gladhand\._gladhand\.TESTING_.*",
    r"gladhand\._gladhand\.__all__",
    # An enumeration is made from its value alone, whatever `str` takes.
    r"gladhand\.(models|_members)\..*\.__new__",
)
Found = dict[tuple[str, int], set[str]]
"""Codes of errors, by file and line."""


def output(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "MYPYPATH": str(SITE)}, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def mypy(folder: Path) -> Found:
    cache = os.environ.get("GLADHAND_MYPY_CACHE", str(folder / "cache"))
    found: Found = defaultdict(set)
    options = ["--strict", "--config-file=", f"--cache-dir={cache}", "--output=json", "--no-error-summary"]
    for line in output([sys.executable, "-m", "mypy", *options, str(TYPED)], folder).splitlines():
        error = json.loads(line)
        if error["severity"] == "error":
            found[Path(error["file"]).name, error["line"]].add(error["code"])
    return found


def pyright(folder: Path) -> Found:
    checker = os.environ.get("GLADHAND_PYRIGHT", "pyright")
    settings = {"include": ["typed"], "extraPaths": [str(SITE)], "typeCheckingMode": "strict", "pythonVersion": "3.10"}
    (folder / "typed").symlink_to(TYPED)
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    found: Found = defaultdict(set)
    answer = json.loads(output([checker, "--outputjson", "--pythonpath", sys.executable], folder))
    for error in answer["generalDiagnostics"]:
        if error["severity"] == "error":
            found[Path(error["file"]).name, error["range"]["start"]["line"] + 1].add(error["rule"])
    assert answer["summary"]["filesAnalyzed"] >= 2
    return found


def mistakes() -> dict[int, tuple[set[str], set[str]]]:
    """What mypy and pyright must say, by line."""
    known = {}
    for number, line in enumerate((TYPED / "mistakes.py").read_text().splitlines(), start=1):
        _, mark, codes = line.partition("  # MISTAKE ")
        if mark:
            one, other = codes.split()
            known[number] = (set(one.split(",")), set(other.split(",")))
    return known


@pytest.mark.parametrize(("checker", "place"), [(mypy, 0), (pyright, 1)], ids=["mypy", "pyright"])
def test_a_typed_program_passes_and_every_mistake_is_found(
    checker: Callable[[Path], Found], place: int, tmp_path: Path
) -> None:
    found = checker(tmp_path)
    assert {at: codes for at, codes in found.items() if at[0] != "mistakes.py"} == {}
    expected = mistakes()
    assert len(expected) > 30
    assert {at[1] for at in found} == set(expected)
    for line, codes in expected.items():
        assert found["mistakes.py", line] >= codes[place], f"line {line}"


def test_the_typed_program_does_what_it_says(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    import asyncio

    tender = program.dispatcher(carrier, gh)
    gh.close()
    assert asyncio.run(program.board(str(carrier.config_path))).version == gladhand.__version__
    load = carrier.load("typed-2")
    assert program.order(load).rate.raw("amount") == "1300.00"
    assert tender.load_id == "typed-1"


def test_the_stub_of_the_native_module_says_what_is_there(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed.txt"
    allowed.write_text("\n".join(ALLOWED))
    options = ["--allowlist", str(allowed), "--ignore-unused-allowlist"]
    said = output([sys.executable, "-m", "mypy.stubtest", "gladhand", *options], tmp_path)
    assert said.splitlines()[-1].startswith("Success"), said

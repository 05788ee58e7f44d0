"""What `import gladhand` leaves for later, and which program `sandbox()` starts."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import gladhand


def python(program: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_asyncio_and_the_models_are_executed_when_they_are_first_used() -> None:
    assert (
        python("import sys, gladhand; print('asyncio' in sys.modules, 'gladhand.aio' in sys.modules)") == "False False"
    )
    assert python("import sys, gladhand; print('gladhand._members' in sys.modules)") == "False"
    assert python("import gladhand; print(gladhand.aio.connect.__module__)") == "gladhand.aio._client"
    assert python("from gladhand import aio; print(aio.Client.__name__)") == "Client"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gladhand.nothing  # noqa: B018


def test_threads_that_ask_at_once_see_the_same_models() -> None:
    program = """
import threading
import gladhand
seen, start = [], threading.Barrier(16)
def ask():
    start.wait()
    from gladhand.models import Tender, Carrier
    seen.append((Tender, Carrier, gladhand.models.TenderState.ACCEPTED))
threads = [threading.Thread(target=ask) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(seen), len(set(seen)), 'Tender' in dir(gladhand.models))
"""
    assert python(program) == "16 1 True"
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        from gladhand.models import Nothing  # type: ignore[attr-defined]  # noqa: F401


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> str:
    """The carrier's program, with nothing left that names it."""
    named = os.environ["GLADHAND_SANDBOX"]
    monkeypatch.delenv("GLADHAND_SANDBOX")
    monkeypatch.setenv("PATH", "/nonexistent")
    return named


def packaged(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """As if the wheel `gladhand-sandbox` were installed."""
    module = ModuleType("gladhand_sandbox")
    vars(module)["program"] = lambda: Path(where)
    monkeypatch.setitem(sys.modules, "gladhand_sandbox", module)


def test_the_program_of_the_wheel_is_found(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged(monkeypatch, program)
    with gladhand.sandbox() as carrier:
        assert carrier.url.startswith("https://")


def test_what_is_named_comes_before_the_wheel(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged(monkeypatch, "/nonexistent/packaged")
    with gladhand.sandbox(program=program) as carrier:
        assert carrier.url.startswith("https://")
    monkeypatch.setenv("GLADHAND_SANDBOX", program)
    with gladhand.sandbox() as carrier:
        assert carrier.url.startswith("https://")


@pytest.mark.usefixtures("program")
def test_without_a_program_the_error_says_what_to_install() -> None:
    with pytest.raises(gladhand.Error) as caught:
        gladhand.sandbox()
    assert caught.value.code == "sandbox_unavailable"
    assert "pip install gladhand-sandbox" in caught.value.remedy

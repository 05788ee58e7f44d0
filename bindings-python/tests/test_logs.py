"""What the core logs, in the host's own log."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gladhand
from gladhand import _gladhand, trace_context
from shown import leaks

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Kept(logging.Handler):
    """Keeps records; prints them too, since the output of a test run is looked through for secrets."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.taking = threading.Event()
        self.taking.set()

    def emit(self, record: logging.LogRecord) -> None:
        self.taking.wait()
        self.records.append(record)
        if record.name != "gladhand.testing":
            print(record.name, record.levelname, record.getMessage())

    def until(self, wanted: Callable[[logging.LogRecord], bool]) -> logging.LogRecord:
        """The first of that kind, within half a minute."""
        for _ in range(600):
            for record in list(self.records):
                if wanted(record):
                    return record
            time.sleep(0.05)
        raise AssertionError([record.getMessage() for record in self.records])


@pytest.fixture
def kept() -> Iterator[Kept]:
    """A handler of the host, at level debug."""
    handler, logger = Kept(), logging.getLogger("gladhand")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    handler.taking.set()
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_a_key_that_others_may_read_is_warned_of(carrier: gladhand.Sandbox, kept: Kept) -> None:
    key = next(path for path in carrier.folder.rglob("*.pem") if "PRIVATE KEY" in path.read_text())
    for path in carrier.folder.rglob("*.pem"):
        if "PRIVATE KEY" in path.read_text():
            path.chmod(0o644)
    before = time.time()
    with gladhand.connect(carrier.config_path):
        record = kept.until(
            lambda record: record.name == "gladhand.security" and "others may read" in record.getMessage()
        )
    assert record.levelno == logging.WARNING
    assert ".pem" in record.__dict__["gladhand"]["path"], key
    assert before - 1 < record.created < time.time() + 1
    assert 0 <= record.msecs < 1000


def test_a_request_is_told_with_its_trace_and_no_secret(carrier: gladhand.Sandbox, kept: Kept) -> None:
    with gladhand.connect(carrier.config_path) as gh, trace_context(f"00-{TRACE}-00f067aa0ba902b7-01"):
        gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
        gh.identity.rotate()
    record = kept.until(lambda record: record.name == "gladhand.http" and "/v1/tenders" in record.getMessage())
    assert record.levelno == logging.DEBUG
    assert record.__dict__["trace_id"] == TRACE
    span = record.__dict__["gladhand"]["span"]
    seen = carrier.control("/state").to_python()["requests"]["latest"]
    assert any((request["traceparent"] or "").split("-")[2:3] == [span] for request in seen)
    text = "\n".join(f"{record.getMessage()} {record.__dict__['gladhand']}" for record in kept.records)
    if "GLADHAND_CANARIES" in os.environ:
        assert leaks(text) == []


def test_a_factory_of_the_host_may_have_set_the_trace(carrier: gladhand.Sandbox, kept: Kept) -> None:
    factory = logging.getLogRecordFactory()

    def own(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        record.trace_id = "the host's"
        return record

    logging.setLogRecordFactory(own)
    try:
        with gladhand.connect(carrier.config_path) as gh, trace_context(f"00-{TRACE}-00f067aa0ba902b7-01"):
            gh.capacity.search(origin=(41.88, -87.63), destination=(34.05, -118.24))
            record = kept.until(lambda record: "/v1/capacity/search" in record.getMessage())
    finally:
        logging.setLogRecordFactory(factory)
    assert record.__dict__["trace_id"] == TRACE


def test_the_level_of_the_loggers_counts(carrier: gladhand.Sandbox, kept: Kept) -> None:
    logging.getLogger("gladhand").setLevel(logging.ERROR)
    http = logging.getLogger("gladhand.http")
    try:
        with gladhand.connect(carrier.config_path) as gh:
            # Within a second, whoever changed it.
            http.setLevel(logging.DEBUG)
            for _ in range(600):
                gh.capacity.search(origin=(41.88, -87.63), destination=(34.05, -118.24))
                if kept.records:
                    break
                time.sleep(0.05)
    finally:
        http.setLevel(logging.NOTSET)
    assert {record.name for record in kept.records} == {"gladhand.http"}


def test_a_storm_is_bounded_and_what_was_lost_is_told(carrier: gladhand.Sandbox, kept: Kept) -> None:
    log = _gladhand.TESTING_log  # type: ignore[attr-defined]
    with gladhand.connect(carrier.config_path):
        log(1).wait()
        kept.until(lambda record: record.name == "gladhand.testing")
        kept.records.clear()
        # The host takes nothing meanwhile.
        kept.taking.clear()
        log(10_000).wait()
        kept.taking.set()
        log(1).wait()
        lost = kept.until(lambda record: record.name == "gladhand.logs")
        assert lost.levelno == logging.WARNING

        def told() -> int:
            mine = [record for record in list(kept.records) if record.name in {"gladhand.testing", "gladhand.logs"}]
            return sum(int(record.__dict__["gladhand"].get("lost", 1)) for record in mine)

        for _ in range(600):
            if told() == 10_001:
                break
            time.sleep(0.05)
        assert told() == 10_001, "each record is there, or among those that are told of as lost"


PROGRAMS = {
    # The last word of a program that closes nothing.
    "exit": """
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
gh = gladhand.connect(path)
gh.health()
""",
    "imported_late": """
gh = gladhand.connect(path)
import logging
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
gh.close()
gladhand.connect(path).health()
""",
    "fork": """
import os
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
gh = gladhand.connect(path)
gh.health()
for _ in range(5):
    child = os.fork()
    if child == 0:
        logging.getLogger().handlers[0].setFormatter(logging.Formatter("CHILD %(name)s %(message)s"))
        own = gladhand.connect(path)
        own.health()
        own.close()
        gladhand._logs.stop()
        sys.stdout.flush()
        os._exit(17)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17
gh.health()
""",
}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_process_ends_quietly_and_a_child_has_a_log_of_its_own(
    carrier: gladhand.Sandbox, tmp_path: Path, name: str
) -> None:
    program = "import logging, sys, gladhand\npath = sys.argv[1]\n" + PROGRAMS[name]
    command = [sys.executable, "-c", program, str(carrier.config_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    assert "gladhand.http" in ran.stdout
    if name == "fork":
        assert "CHILD gladhand.http" in ran.stdout

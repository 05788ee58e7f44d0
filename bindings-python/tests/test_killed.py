"""The TMS dies by SIGKILL, and starts again: exactly one tender at the carrier, and the journal knows what happened. At each
point of the call, alone and with a second process of the same TMS alive on the same journal. `GLADHAND_SIGKILL_ROUNDS` repeats
the matrix; once by default."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import gladhand

ROUNDS = int(os.environ.get("GLADHAND_SIGKILL_ROUNDS", "1"))
POINTS = ("before_send", "after_send", "after_answer")

TENDER = """
import sys, gladhand
from gladhand import models
with gladhand.connect(sys.argv[1]) as gh:
    load = models.LoadTender.from_json(open(sys.argv[2], "rb").read())
    tender = gh.tenders.create(load, carrier="aurora", wait=20)
    print(tender.tender_id, tender.state, tender.receipt, tender.joined, flush=True)
"""

BYSTANDER = """
import sys, gladhand
with gladhand.connect(sys.argv[1]) as gh:
    print("ready", flush=True)
    sys.stdin.read()
    for tender in gh.tenders.list():
        print(tender.tender_id, tender.state, flush=True)
"""


def tender(carrier: gladhand.Sandbox, load: Path, point: str | None = None) -> subprocess.CompletedProcess[str]:
    """The TMS tenders the load, and dies where told."""
    environment = {**os.environ, **({"GLADHAND_FAILPOINT": f"{point}@tenders.create"} if point else {})}
    return subprocess.run(
        [sys.executable, "-c", TENDER, str(carrier.config_path), str(load)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def bystander(carrier: gladhand.Sandbox, alive: bool) -> Iterator[subprocess.Popen[str] | None]:
    """A second process of the same TMS on the same journal, if there is one."""
    if not alive:
        yield None
        return
    process = subprocess.Popen(
        [sys.executable, "-c", BYSTANDER, str(carrier.config_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline().strip() == "ready"
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("_round", range(ROUNDS))
@pytest.mark.parametrize("second", [False, True], ids=["alone", "second_process"])
@pytest.mark.parametrize("point", POINTS)
def test_exactly_one_tender_survives(
    carrier: gladhand.Sandbox, tmp_path: Path, point: str, second: bool, _round: int
) -> None:
    load = tmp_path / "load.json"
    load.write_bytes(carrier.load("load-1").to_json())
    with bystander(carrier, second) as other:
        killed = tender(carrier, load, point)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        again = tender(carrier, load)
        assert again.returncode == 0, again.stderr
        tender_id, state, receipt, joined = again.stdout.split()
        if other:
            said, _ = other.communicate(timeout=60)
            theirs, later = said.split()
            # It looked afterwards, and the carrier may have decided in between.
            assert theirs == tender_id
            assert later in {state, "accepted"}
    assert joined == "True"

    with carrier.connect() as gh:
        if state == "offer":
            for found in gh.tenders.watch(tender_id):
                if found.state != "offer":
                    break
        found = gh.tenders.get(tender_id)
        assert (found.state, found.receipt) == ("accepted", "proven"), (state, receipt)
        assert gh.reconcile.run().differences == 0
        report = gh.journal.verify()
        assert report.intact
        assert report.unresolved == 0
        kinds = [entry.kind for entry in gh.journal.export()]
        assert kinds.count("INTENT") == 1
        assert "OUTCOME" in kinds

    held = carrier.control("/state").to_python()
    assert held["loads"]["load-1"] == {"creates": 1, "live": 1, "accepted": 1}
    assert json.dumps(held).count(tender_id) >= 1

"""The TMS as a whole: uvicorn, PostgreSQL and a sandbox carrier, over HTTP from outside. `cargo xtask test --language python`
runs it against the built wheel."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import gladhand
import psycopg
import pytest

import postgres

FOLDER = Path(__file__).parents[1]
UVICORN = ["-m", "uvicorn"]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """One PostgreSQL for all tests."""
    with postgres.server() as database:
        yield database


@pytest.fixture
def database(server: str) -> str:
    """An empty database of the test's own."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS tms WITH (FORCE)")
        connection.execute("CREATE DATABASE tms")
    return server.replace("dbname=postgres", "dbname=tms")


class Tms:
    """The TMS's processes, one after another at one address with one database and one journal, as a host would run them."""

    def __init__(self, carrier: gladhand.Sandbox, database: str, folder: Path) -> None:
        # The socket stays ours: a process that is killed does not lose the address, and what comes meanwhile waits.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._variables = {
            "GLADHAND_CONFIG": str(carrier.config_path),
            "GLADHAND_JOURNAL_PATH": str(folder / "journal.db"),
            "TMS_DATABASE": database,
            "TMS_URL": self.url,
        }
        self.log = folder / "tms.log"
        self.carrier = carrier

    @contextmanager
    def running(self, command: list[str] = UVICORN, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """One process; ended by SIGTERM unless it has ended."""
        arguments = ["tms.app:app", "--fd", str(self._socket.fileno())]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command, *arguments],
                cwd=FOLDER,
                env={**os.environ, **self._variables, **variables},
                pass_fds=[self._socket.fileno()],
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)

    def close(self) -> None:
        """Gives the address back."""
        self._socket.close()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request: what was answered, or the status of a failure."""
        data = None if body is None else json.dumps(body, default=str).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        return found

    def line(self, load_id: str) -> dict[str, Any]:
        """A load's line of the board."""
        (found,) = (line for line in self.ask("GET", "/board") if line["load_id"] == load_id)
        return dict(found)

    def until(self, load_id: str, state: str) -> dict[str, Any]:
        """The load's line once it is in this state."""
        found: dict[str, Any] = eventually(lambda: self.line(load_id), lambda line: line["state"] == state, self.log)
        return found

    def tender(self, load_id: str) -> str:
        """Orders, finds capacity and tenders; the tender's id."""
        assert self.ask("POST", "/loads", order(load_id)) == {"load_id": load_id}
        offers = self.ask("GET", f"/loads/{load_id}/offers")
        offer = next(offer for offer in offers if offer["verdict"] == "eligible")
        made = self.ask("POST", f"/loads/{load_id}/tender?carrier=aurora&capacity_id={offer['capacity_id']}")
        assert made["state"] == "accepted", made
        return str(made["tender_id"])


def eventually(look: Callable[[], Any], good: Callable[[Any], object], log: Path) -> Any:
    """What is seen once it is good; half a minute must be enough."""
    for _ in range(300):
        seen = look()
        if good(seen):
            return seen
        time.sleep(0.1)
    raise AssertionError(f"it stayed {seen}\n{log.read_text()}")


@pytest.fixture
def tms(gladhand_carrier: gladhand.Sandbox, database: str, tmp_path: Path) -> Iterator[Tms]:
    """The TMS, not yet started."""
    made = Tms(gladhand_carrier, database, tmp_path)
    yield made
    made.close()


def order(load_id: str) -> dict[str, object]:
    """What a customer ordered: Chicago to Los Angeles, from tomorrow."""
    day = datetime.now(timezone.utc) + timedelta(days=1)

    def dock(city: str, lat: str, lon: str, zone: str, start: datetime) -> dict[str, object]:
        hours = {"start": start, "end": start + timedelta(hours=4)}
        return {"name": f"{city} dock", "city": city, "lat": lat, "lon": lon, "time_zone": zone, **hours}

    return {
        "load_id": load_id,
        "customer": "Acme Freight",
        "shipper": "Trinity Paper",
        "consignee": "Bayou Print",
        "purchase_order": f"PO-{load_id}",
        "pickup": dock("Chicago", "41.8781", "-87.6298", "America/Chicago", day),
        "delivery": dock("Los Angeles", "34.0522", "-118.2437", "America/Los_Angeles", day + timedelta(days=2)),
        "description": "Paper rolls",
        "pallets": 20,
        "weight_lbs": 38_000,
        "amount": "1250.00",
    }


def applied(database: str, tender_id: str) -> list[tuple[int, str]]:
    """The events of a tender that were applied."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT sequence, type FROM events WHERE tender_id = %s ORDER BY sequence", (tender_id,)
        )
        return [(int(sequence), str(kind)) for sequence, kind in rows]


def drive(tms: Tms, load_id: str, tender_id: str, *stages: str) -> None:
    """The carrier's truck at work, as far as these stages."""
    for stage in stages:
        tms.carrier.control("/progress", {"tenderId": tender_id, "to": stage})
        tms.until(load_id, stage)


def test_a_load_from_its_order_to_its_delivery(tms: Tms, database: str) -> None:
    with tms.running() as process:
        assert tms.ask("GET", "/board") == []
        tender_id = tms.tender("load-1")
        assert tms.until("load-1", "accepted")["carrier"] == "aurora"
        subscriptions = lambda: tms.carrier.control("/state")["subscriptions"][0]["verified"].boolean  # noqa: E731
        eventually(subscriptions, bool, tms.log)
        again = tms.ask("POST", "/loads/load-1/tender?carrier=aurora")
        assert (again["tender_id"], again["joined"]) == (tender_id, True)
        drive(tms, "load-1", tender_id, "dispatched", "enroute", "delivered")
        line = tms.line("load-1")
        events = applied(database, tender_id)
        assert line["events"] == len(events)
        assert [sequence for sequence, _ in events] == list(range(1, len(events) + 1))
        # A webhook came in by our route, and not the feed alone told us.
        assert '"POST /webhooks/aurora HTTP/1.1" 202' in tms.log.read_text()
        process.send_signal(signal.SIGTERM)
        # uvicorn ends in order and then by the signal that it was sent.
        assert process.wait(60) == -signal.SIGTERM
    log = tms.log.read_text()
    assert "Traceback" not in log, log
    assert "Application shutdown complete" in log
    with psycopg.connect(database) as connection:
        (kept,) = connection.execute("SELECT document->'rate'->>'amount' FROM loads").fetchone() or ("nothing",)
    assert kept == "1250.00"


def test_what_is_wrong_is_said(tms: Tms) -> None:
    with tms.running():
        assert tms.ask("POST", "/loads", order("load-1")) == {"load_id": "load-1"}
        assert tms.ask("POST", "/loads", order("load-1"))[0] == 409
        assert tms.ask("POST", "/loads", {"load_id": "load-2"})[0] == 422
        assert tms.ask("POST", "/loads/load-9/tender?carrier=aurora")[0] == 404
        status, told = tms.ask("POST", "/loads/load-1/tender?carrier=nobody")
        assert (status, told["code"], told["sent"]) == (400, "carrier_unknown", "not_sent")
        tms.carrier.control("/policy", {"decision": "reject", "reasonCode": "no_capacity"})
        refused = tms.ask("POST", "/loads/load-1/tender?carrier=aurora")
        assert (refused["state"], refused["reason"]) == ("rejected", "no_capacity")
        tms.until("load-1", "rejected")
        status, _ = tms.ask("POST", "/webhooks/aurora", {})
        assert status == 401


def test_killed_between_commit_and_acknowledgement_nothing_is_lost_and_nothing_is_done_twice(
    tms: Tms, database: str
) -> None:
    killed_at = "gladhand.tender.accepted.v1"
    with tms.running(["tests/killed.py"], TMS_KILLED_AT=killed_at, PYTHONPATH=path()) as process:
        try:
            tender_id = tms.tender("load-1")
        except (ConnectionError, urllib.error.URLError):
            # It died while it answered the dispatcher; the tender is in its journal.
            tender_id = ""
        assert process.wait(60) == -signal.SIGKILL
    with tms.running():
        tender_id = tender_id or str(tms.ask("POST", "/loads/load-1/tender?carrier=aurora")["tender_id"])
        assert killed_at in {kind for _, kind in applied(database, tender_id)}
        drive(tms, "load-1", tender_id, "dispatched", "enroute", "delivered")
        events = applied(database, tender_id)
        assert [sequence for sequence, _ in events] == list(range(1, len(events) + 1))
        assert tms.line("load-1")["events"] == len(events)
    assert f"load-1 {killed_at} was applied before" in tms.log.read_text()


def path() -> str:
    """For a program that is not started as a module of the folder."""
    return os.pathsep.join([str(FOLDER), os.environ.get("PYTHONPATH", "")])


def test_the_readmes_commands(tms: Tms, tmp_path: Path) -> None:
    """In a shell, as they stand there, at another port."""
    (commands,) = re.findall(r"^```sh\n(.*?)^```", (FOLDER / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {"GLADHAND_CONFIG": str(tms.carrier.config_path), "TMS_DATABASE": tms._variables["TMS_DATABASE"]}
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands.replace("8000", str(port))],
        cwd=FOLDER,
        env={**os.environ, **variables, "PATH": programs},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]"]

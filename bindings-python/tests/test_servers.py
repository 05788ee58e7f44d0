"""Servers that fork their workers after the application connected: gunicorn with `--preload`, Celery with prefork. Each worker
is refused its parent's client at once, has one of its own, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import gladhand

TESTS = Path(__file__).parent


@contextmanager
def running(command: list[str], variables: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server; it must end well on SIGTERM, and have said nothing of a failure."""
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, *command], env={**os.environ, "PYTHONPATH": path, **variables}, stdout=out, stderr=out
        )
    try:
        yield server
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0, log.read_text()
    finally:
        server.kill()
        server.wait()
    said = log.read_text()
    assert "Traceback" not in said, said
    assert "panicked" not in said, said


def asked(path: Path) -> dict[str, Any]:
    """One request over a Unix socket, once the server listens there."""
    connection = HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    for _ in range(600):
        try:
            connection.sock.connect(str(path))
            break
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.05)
    connection.request("GET", "/")
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def judge(found: Mapping[str, Any]) -> None:
    assert found["pid"] != found["parent"]
    assert (found["code"], found["tenders"]) == ("forked_client", 1)
    assert found["seconds"] < 1


def test_negative_n36_gunicorn_workers_of_a_preloaded_application(carrier: gladhand.Sandbox, tmp_path: Path) -> None:
    with carrier.connect() as gh:
        gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
    address = tmp_path / "tms.sock"
    options = ["--preload", "--workers", "2", "--bind", f"unix:{address}", "--worker-tmp-dir", str(tmp_path)]
    command = ["-m", "gunicorn", *options, "--graceful-timeout", "10", "forked.wsgi_tms:app"]
    with running(command, {"GLADHAND_CONFIG": str(carrier.config_path)}, tmp_path / "log"):
        workers = set()
        for _ in range(200):
            found = asked(address)
            judge(found)
            workers.add(found["pid"])
            if len(workers) == 2:
                break


ASKING = """
import json
from forked.celery_tms import look
print(json.dumps([look.delay().get(timeout=100) for _ in range(2)]))
"""


def test_negative_n36_celerys_prefork_workers(carrier: gladhand.Sandbox, tmp_path: Path) -> None:
    with carrier.connect() as gh:
        gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
    for folder in ("queue", "control", "results"):
        (tmp_path / folder).mkdir()
    variables = {"GLADHAND_CONFIG": str(carrier.config_path), "TMS_QUEUE": str(tmp_path)}
    options = [
        "--pool",
        "prefork",
        "--concurrency",
        "2",
        "--without-gossip",
        "--without-mingle",
        "--loglevel",
        "WARNING",
    ]
    command = ["-m", "celery", "--app", "forked.celery_tms", "--workdir", str(tmp_path), "worker", *options]
    with running(command, variables, tmp_path / "log"):
        path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-c", ASKING],
            env={**os.environ, "PYTHONPATH": path, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
        for found in json.loads(done.stdout):
            judge(found)

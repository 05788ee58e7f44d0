"""A PostgreSQL of the test's own: in a temporary folder, reached over a Unix socket alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

USER = "postgres" if os.geteuid() == 0 else None
"""Whom the server runs as: it refuses to be root."""


def program(name: str) -> str:
    """A program of PostgreSQL: Debian keeps the server's away from the PATH."""
    found = shutil.which(name) or next(
        iter(sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        raise FileNotFoundError(f"{name} is not there: install PostgreSQL (Debian: apt-get install postgresql)")
    return str(found)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """A running server with an empty database; gives what connects to it."""
    # Not pytest's folder: a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="tms-") as folder:
        place = Path(folder)
        if USER:
            shutil.chown(place, USER)
        initialise = [program("initdb"), "--pgdata", f"{place}/data", "--auth=trust", "--username=tms", "--no-sync"]
        subprocess.run([*initialise, "--encoding=UTF8", "--locale=C"], user=USER, check=True, stdout=subprocess.DEVNULL)
        options = ["-D", f"{place}/data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        with (place / "log").open("wb") as log:
            running = subprocess.Popen([program("postgres"), *options], user=USER, stdout=log, stderr=log)
        try:
            yield ready(f"host={folder} user=tms dbname=postgres", running, place / "log")
        finally:
            running.terminate()
            running.wait()


def ready(database: str, running: subprocess.Popen[bytes], log: Path) -> str:
    """Waits until it takes connections."""
    while True:
        try:
            psycopg.connect(database).close()
        except psycopg.OperationalError:
            if running.poll() is not None:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.05)
        else:
            return database

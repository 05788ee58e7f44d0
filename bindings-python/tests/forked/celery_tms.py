"""A Celery application whose module connects: in the parent of its prefork workers. Broker and results are files."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from celery import Celery  # type: ignore[import-untyped]

import gladhand
from forked import refusal

FOLDER = Path(os.environ["TMS_QUEUE"])

app = Celery("tms", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.broker_transport_options = {
    "data_folder_in": f"{FOLDER}/queue",
    "data_folder_out": f"{FOLDER}/queue",
    "control_folder": f"{FOLDER}/control",
    "polling_interval": 0.1,
}
gh = gladhand.connect()
parents = os.getpid()


@cache
def own() -> gladhand.Client:
    """A worker's own client."""
    return gladhand.connect()


@app.task  # type: ignore[untyped-decorator, unused-ignore]
def look() -> dict[str, object]:
    """What the parent's client says, and the worker's own."""
    code, seconds = refusal.of(gh)
    held = len(own().tenders.list())
    return {"pid": os.getpid(), "parent": parents, "code": code, "seconds": seconds, "tenders": held}

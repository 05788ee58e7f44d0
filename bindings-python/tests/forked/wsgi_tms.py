"""A WSGI application that connects when it is imported: with gunicorn's `--preload`, in the parent of all workers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import gladhand
from forked import refusal

gh = gladhand.connect()
parents = os.getpid()
version = gh.health().version


@cache
def own() -> gladhand.Client:
    """What a worker should have instead: a client that it connects at its first request."""
    return gladhand.connect()


def app(_: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """What the parent's client says, and the worker's own."""
    code, seconds = refusal.of(gh)
    held = len(own().tenders.list())
    start_response("200 OK", [("Content-Type", "application/json")])
    found = {"pid": os.getpid(), "parent": parents, "code": code, "seconds": seconds, "tenders": held}
    return [json.dumps(found).encode()]

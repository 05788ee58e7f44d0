"""The hands on the carrier's side of the demo: its dispatchers, its yard, its network. Plain HTTP to the sandbox's control
interface; a TMS in production has no such thing."""

from __future__ import annotations

import json
import os
import urllib.parse
import urllib.request
from typing import Any

BASE = os.environ["GLADHAND_SANDBOX_CONTROL"]


def post(path: str, **body: Any) -> Any:
    """Tells the carrier to do something."""
    request = urllib.request.Request(BASE + path, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def get(path: str, **query: str) -> bytes:
    """Asks the carrier something; the body as it came."""
    address = f"{BASE}{path}?{urllib.parse.urlencode(query)}" if query else BASE + path
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310
        body: bytes = answer.read()
        return body

"""What a worker says of the client that its parent connected."""

from __future__ import annotations

import time

import gladhand


def of(gh: gladhand.Client) -> tuple[str, float]:
    """The error's code, and the seconds until it came: the quickest of three, as the machine may be busy otherwise."""
    took = []
    for _ in range(3):
        begun = time.monotonic()
        try:
            gh.health()
        except gladhand.errors.MisuseError as error:
            code = error.code
        else:
            code = "none"
        took.append(time.monotonic() - begun)
    return code, min(took)

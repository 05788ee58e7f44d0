"""The functions `TESTING_…` of the native module, with their types: a release has neither. What each does, its namesake in
`sdk-core/ffi/src/testing.rs` says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from gladhand import _gladhand

if TYPE_CHECKING:
    from gladhand._gladhand import Call, Stream

echo = cast("Callable[[int], int]", getattr(_gladhand, "TESTING_echo", None))
round_trip = cast("Callable[[int], Call[int]]", getattr(_gladhand, "TESTING_round_trip", None))
panic = cast("Callable[[], int]", getattr(_gladhand, "TESTING_panic", None))
panic_later = cast("Callable[[], Call[int]]", getattr(_gladhand, "TESTING_panic_later", None))
panic_in_answer = cast("Callable[[], Call[int]]", getattr(_gladhand, "TESTING_panic_in_answer", None))
slow = cast("Callable[[int], Call[int]]", getattr(_gladhand, "TESTING_slow", None))
under_way = cast("Callable[[], int]", getattr(_gladhand, "TESTING_under_way", None))
cancelled = cast("Callable[[], int]", getattr(_gladhand, "TESTING_cancelled", None))
codes = cast("Callable[[], list[str]]", getattr(_gladhand, "TESTING_codes", None))
fail = cast("Callable[[str], int]", getattr(_gladhand, "TESTING_fail", None))
fail_later = cast("Callable[[str], Call[int]]", getattr(_gladhand, "TESTING_fail_later", None))
storm = cast("Callable[[int], Stream]", getattr(_gladhand, "TESTING_storm", None))

FOREVER = 3_600_000
"""Milliseconds that no test waits for: what ends earlier was cancelled."""


async def until(reached: Callable[[], bool]) -> None:
    """Lets the loop run until it is so; a test that waits in vain ends by pytest's own time limit."""
    while not reached():  # noqa: ASYNC110 - the core counts, and tells no event
        await asyncio.sleep(0)

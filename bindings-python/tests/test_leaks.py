"""Memory stays flat: over calls, failures, cancellations, stream items and callbacks. `GLADHAND_LEAK_CALLS` says how many of
each (100000 is the whole measure): what leaks an object for every hundredth of those, or two bytes for each, is seen."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import pytest

import bridge
import gladhand
from gladhand._sync import _safety, _streams
from gladhand.aio import _streams as aio_streams

COUNT = int(os.environ.get("GLADHAND_LEAK_CALLS", "5000"))
TOGETHER = 50
"""Calls under way at once, where calls are awaited."""
SETTLING_BLOCKS, SETTLING_OCTETS = 1_000, 200_000
"""What may be more without being a leak: caches and queues that find their size."""


class InUse(NamedTuple):
    """What the process holds."""

    blocks: int
    """Of Python's own allocator."""
    octets: int
    """Of the C library's, from which the core allocates; 0 where it does not say."""


def in_use() -> InUse:
    gc.collect()
    return InUse(sys.getallocatedblocks(), allocated())


MALLINFO = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


def allocated() -> int:
    """Bytes in use, by glibc's count."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return 0

    class Mallinfo(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in MALLINFO]

    library.mallinfo2.restype = Mallinfo
    found = library.mallinfo2()
    return int(found.uordblks + found.hblkhd)


def calls(count: int) -> None:
    for number in range(count):
        assert bridge.round_trip(number).wait() == number


def calls_without_io(count: int) -> None:
    for number in range(count):
        assert bridge.echo(number) == number


def awaits(count: int) -> None:
    asyncio.run(together(count, lambda: bridge.round_trip(7)))


def failures(count: int) -> None:
    for number in range(count):
        with pytest.raises(gladhand.Error):
            _ = bridge.fail("tender_conflict") if number % 2 else bridge.fail_later("hold_expired").wait()


def awaited_failures(count: int) -> None:
    asyncio.run(together(count, lambda: bridge.fail_later("tender_conflict")))


def cancellations(count: int) -> None:
    async def main() -> None:
        for _ in range(count // TOGETHER):
            tasks = [asyncio.ensure_future(answer(bridge.slow(bridge.FOREVER))) for _ in range(TOGETHER)]
            await bridge.until(lambda: bridge.under_way() == TOGETHER)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await bridge.until(lambda: bridge.under_way() == 0)

    asyncio.run(main())


def calls_never_begun(count: int) -> None:
    for number in range(count):
        bridge.round_trip(number)


def stream_items(count: int) -> None:
    assert sum(1 for _ in _streams.Watch(None, bridge.storm(count))) == count


def awaited_stream_items(count: int) -> None:
    async def main() -> None:
        assert len([1 async for _ in aio_streams.Watch(None, bridge.storm(count))]) == count

    asyncio.run(main())


def streams_left_early(count: int) -> None:
    for _ in range(count // 2):
        next(_streams.Watch(None, bridge.storm(10)))


def callbacks(count: int) -> None:
    seen, done = 0, threading.Event()

    def callback(_: gladhand.models.Event) -> None:
        nonlocal seen
        seen += 1
        if seen == count:
            done.set()

    with _safety.SafetyWatch(_streams.SafetyEvents(None, bridge.storm(count)), callback):
        done.wait()


def documents(count: int) -> None:
    money = gladhand.models.Money.from_json('{"currency":"USD","amount":1250.00}')
    for number in range(count):
        money.amount = f"{number}.00"
        assert money.raw("amount") == f"{number}.00"


async def answer(call: Any) -> object:
    return await call


async def together(count: int, make: Callable[[], Any]) -> None:
    for _ in range(count // TOGETHER):
        waiting: list[Coroutine[Any, Any, object]] = [answer(make()) for _ in range(TOGETHER)]
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize(
    "kind",
    [
        calls,
        calls_without_io,
        awaits,
        failures,
        awaited_failures,
        cancellations,
        calls_never_begun,
        stream_items,
        awaited_stream_items,
        streams_left_early,
        callbacks,
        documents,
    ],
    ids=lambda kind: kind.__name__,
)
def test_memory_stays_flat(kind: Callable[[int], None]) -> None:
    kind(max(COUNT // 10, TOGETHER * 4))
    before = in_use()
    kind(COUNT)
    # What is still on its way to a loop that has ended comes to rest; what leaked never does.
    for _ in range(100):
        after = in_use()
        grown = InUse(after.blocks - before.blocks, after.octets - before.octets)
        if grown.blocks < SETTLING_BLOCKS and grown.octets < SETTLING_OCTETS:
            break
        time.sleep(0.05)
    print(f"\n{kind.__name__}: {COUNT} times, {grown.blocks} blocks and {grown.octets} bytes more than before")
    assert grown.blocks < SETTLING_BLOCKS
    assert grown.octets < SETTLING_OCTETS

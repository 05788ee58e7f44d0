"""The bridge itself, apart from what operations do: failures, panics, cancellation, loops and streams. Nothing here depends
on how long anything takes: a slow call is one that only a cancellation ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import bridge
import gladhand
from gladhand import errors
from gladhand._sync import _safety, _streams
from gladhand.aio import _safety as aio_safety
from gladhand.aio import _streams as aio_streams

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ATTRIBUTES: dict[str, Any] = {
    "sent": "maybe_sent",
    "http_status": 418,
    "retry_after_ms": 1_500,
    "problem": '{"title":"TESTING","status":418}',
    "violations": (errors.Violation("/stops/0", "required", "name one"),),
    "request_id": "request-1",
    "idempotency_key": "key-1",
    "trace_id": TRACE,
    "tender_id": "tender-1",
    "causes": ("the cause below",),
}


async def awaited(call: Awaitable[int]) -> int:
    return await call


def raised(attempt: Callable[[], object]) -> gladhand.Error:
    with pytest.raises(gladhand.Error) as caught:
        attempt()
    return caught.value


def until(reached: Callable[[], bool]) -> None:
    """Waits until it is so; a test that waits in vain ends by pytest's own time limit."""
    while not reached():
        time.sleep(0.001)


@contextmanager
def slow_calls(expected: int) -> Iterator[None]:
    """So many slow calls are cancelled under way meanwhile, and none is left."""
    before = bridge.cancelled()
    yield
    until(lambda: bridge.under_way() == 0)
    assert bridge.cancelled() - before == expected


# ── Failures ─


def test_every_code_arrives_as_its_class_with_every_attribute(vectors: Any) -> None:
    codes = bridge.codes()
    assert set(codes) == {value for name, value in vars(errors.Code).items() if name.isupper()}
    classes = {cls.kind: cls for cls in errors.Error.__subclasses__()}
    for code in codes:
        made = errors.make(code, "x")
        for error in (
            raised(lambda code=code: bridge.fail(code)),  # type: ignore[misc]
            raised(lambda code=code: bridge.fail_later(code).wait()),  # type: ignore[misc]
            raised(lambda code=code: asyncio.run(awaited(bridge.fail_later(code)))),  # type: ignore[misc]
        ):
            assert type(error) is classes[made.kind], code
            assert (error.code, error.message) == (code, f"TESTING_fail of {code}")
            assert (error.retry, error.remedy) == (made.retry, made.remedy)
            assert {name: getattr(error, name) for name in ATTRIBUTES} == ATTRIBUTES
            assert str(error) == f"{code}: TESTING_fail of {code}. {made.remedy}"
    assert raised(lambda: bridge.fail("no_such_code")).code == "invalid_argument"


def test_every_class_is_an_error_of_gladhand() -> None:
    kinds = {type(raised(lambda code=code: bridge.fail(code))) for code in bridge.codes()}  # type: ignore[misc]
    assert len(kinds) > 5
    for kind in kinds:
        assert issubclass(kind, gladhand.Error)
        assert getattr(gladhand.errors, kind.__name__) is kind


@pytest.mark.parametrize(
    "attempt",
    [
        bridge.panic,
        lambda: bridge.panic_later().wait(),
        lambda: asyncio.run(awaited(bridge.panic_later())),
        lambda: bridge.panic_in_answer().wait(),
        lambda: asyncio.run(awaited(bridge.panic_in_answer())),
    ],
    ids=["at once", "waited for", "awaited", "in the answer, waited for", "in the answer, awaited"],
)
def test_a_panic_is_an_exception_and_the_next_call_works(attempt: Callable[[], object]) -> None:
    for _ in range(2):
        error = raised(attempt)
        assert type(error) is errors.InternalError
        assert error.code == "internal_panic"
        assert "TESTING_panic" in error.message
        assert bridge.echo(7) == 7
        assert bridge.round_trip(8).wait() == 8
        assert asyncio.run(awaited(bridge.round_trip(9))) == 9


# ── Cancellation ─


async def begun(count: int = 1) -> None:
    await bridge.until(lambda: bridge.under_way() == count)


def test_cancelling_a_task_cancels_the_cores_call() -> None:
    async def main() -> None:
        task = asyncio.ensure_future(bridge.slow(bridge.FOREVER))
        await begun()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with slow_calls(1):
        asyncio.run(main())


def test_a_timeout_cancels_the_cores_call() -> None:
    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(awaited(bridge.slow(bridge.FOREVER)), 0.05)

    with slow_calls(1):
        asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with Python 3.11")
def test_asyncio_timeout_cancels_the_cores_call() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):  # type: ignore[attr-defined, unused-ignore]
                await bridge.slow(bridge.FOREVER)

    with slow_calls(1):
        asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup came with Python 3.11")
def test_a_task_group_that_fails_cancels_the_others_calls() -> None:
    async def main() -> None:
        async def fails() -> None:
            await begun(3)
            await bridge.fail_later("tender_conflict")

        try:
            async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined, unused-ignore]
                for _ in range(3):
                    group.create_task(awaited(bridge.slow(bridge.FOREVER)))
                group.create_task(fails())
        except Exception as caught:  # ExceptionGroup is a name of Python 3.11
            (only,) = caught.exceptions  # type: ignore[attr-defined]
            assert isinstance(only, errors.ConflictError)
        else:
            raise AssertionError("the group did not fail")

    with slow_calls(3):
        asyncio.run(main())


def test_a_call_cancelled_before_it_began_never_begins() -> None:
    async def main() -> None:
        task = asyncio.ensure_future(awaited(bridge.slow(bridge.FOREVER)))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with slow_calls(0):
        asyncio.run(main())


INTERRUPTED = """
import os, signal, sys, threading
import gladhand
from gladhand import _gladhand
# A shell starts its background programs deaf to SIGINT, and Python then leaves it so.
signal.signal(signal.SIGINT, signal.default_int_handler)
steps = 0
def other():
    global steps
    while not _gladhand.TESTING_under_way():
        pass
    while steps < 100_000:
        steps += 1
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=other).start()
try:
    _gladhand.TESTING_slow(3_600_000).wait()
except KeyboardInterrupt:
    while _gladhand.TESTING_under_way():
        pass
    print("interrupted", steps, _gladhand.TESTING_cancelled(), _gladhand.TESTING_round_trip(7).wait(), flush=True)
    sys.exit(130)
"""


def test_other_threads_run_during_a_wait_and_ctrl_c_ends_it() -> None:
    """The waiting thread does not hold the interpreter: another one makes its steps, and only then lets it go."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted 100000 1 7\n", "", 130)


# ── Threads and loops ─


def test_a_thousand_awaits_at_once_each_get_their_own_answer() -> None:
    async def main() -> None:
        answers = await asyncio.gather(*(awaited(bridge.round_trip(number)) for number in range(1_000)))
        assert answers == list(range(1_000))
        tasks = [asyncio.ensure_future(awaited(bridge.slow(bridge.FOREVER))) for _ in range(1_000)]
        await begun(1_000)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)

    with slow_calls(1_000):
        asyncio.run(main())


def test_a_loop_closed_while_the_answer_is_on_its_way_is_a_normal_end() -> None:
    for _ in range(50):
        loop = asyncio.new_event_loop()

        async def begin() -> asyncio.Future[int]:
            return bridge.round_trip(1).start()

        loop.run_until_complete(begin())
        loop.close()
    assert asyncio.run(awaited(bridge.round_trip(2))) == 2


def test_two_loops_in_two_threads_each_get_their_own_answers() -> None:
    found: dict[int, list[int]] = {}

    async def main(start: int) -> list[int]:
        return await asyncio.gather(*(awaited(bridge.round_trip(start + number)) for number in range(500)))

    def run(start: int) -> None:
        found[start] = asyncio.run(main(start))

    threads = [threading.Thread(target=run, args=(start,)) for start in (0, 10_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {start: list(range(start, start + 500)) for start in (0, 10_000)}


def test_awaiting_outside_a_loop_says_so() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        bridge.round_trip(1).__await__()


# ── Streams and callbacks ─


def sync_storm(count: int) -> _streams.Watch:
    return _streams.Watch(None, bridge.storm(count))


def aio_storm(count: int) -> aio_streams.Watch:
    return aio_streams.Watch(None, bridge.storm(count))


def number(document: gladhand.models.Model) -> int:
    found = document.find("/n")
    assert found is not None
    return int(found.number or 0)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def test_a_storm_is_iterated_whole_in_order() -> None:
    assert [number(item) for item in sync_storm(2_000)] == list(range(1, 2_001))

    async def main() -> None:
        assert [number(item) async for item in aio_storm(2_000)] == list(range(1, 2_001))

    run(main())


def test_a_storm_that_is_left_early_goes_on_where_it_was_left_and_ends_when_closed() -> None:
    storm = sync_storm(1_000)
    for item in storm:
        if number(item) == 10:
            break
    assert number(next(storm)) == 11
    storm.close()
    assert list(storm) == []

    async def main() -> None:
        storm = aio_storm(1_000)
        async for item in storm:
            if number(item) == 10:
                break
        assert number(await anext(storm)) == 11
        await storm.close()
        assert [item async for item in storm] == []

    run(main())


def test_closing_from_another_thread_ends_a_storm() -> None:
    storm, seen = sync_storm(10**9), threading.Event()

    def close() -> None:
        seen.wait()
        storm.close()

    thread = threading.Thread(target=close)
    thread.start()
    for item in storm:
        if number(item) == 100:
            seen.set()
    thread.join()


def test_pulls_that_are_cancelled_lose_nothing_of_a_storm() -> None:
    async def main() -> None:
        storm, seen = aio_storm(300), list[int]()
        while True:
            task: asyncio.Task[gladhand.models.Tender] = asyncio.ensure_future(anext(storm))
            for _ in range(len(seen) % 3):
                await asyncio.sleep(0)
            if len(seen) % 2 and not task.done():
                task.cancel()
            try:
                seen.append(number(await task))
            except asyncio.CancelledError:
                seen.append(number(await anext(storm)))
            except StopAsyncIteration:
                break
        assert seen == list(range(1, 301))

    run(main())


def test_a_storm_of_callbacks_calls_back_for_each_and_survives_those_that_fail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[int] = []

    def callback(event: gladhand.models.Event) -> None:
        seen.append(number(event))
        if seen[-1] == 5:
            raise ValueError("the application's own mistake")

    watch = _safety.SafetyWatch(_streams.SafetyEvents(None, bridge.storm(1_000)), callback)
    until(lambda: len(seen) == 1_000)
    watch.close()
    assert seen == list(range(1, 1_001))

    async def main() -> None:
        events = aio_streams.SafetyEvents(None, bridge.storm(1_000))
        async with aio_safety.SafetyWatch(events, callback):
            await bridge.until(lambda: len(seen) == 1_000)

    seen.clear()
    run(main())
    assert seen == list(range(1, 1_001))
    assert [record.getMessage() for record in caplog.records] == ["the safety callback failed"] * 2

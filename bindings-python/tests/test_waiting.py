"""Waiting and awaiting: Ctrl-C interrupts, other threads run, cancelling cancels. Against a carrier that never answers, so
that nothing depends on how long anything takes."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import threading

import pytest

import gladhand
import gladhand.aio
from silent import Silent


def test_ctrl_c_interrupts_a_call(quiet: Silent) -> None:
    def press() -> None:
        quiet.called.acquire()
        os.kill(os.getpid(), signal.SIGINT)

    # A shell starts its background programs deaf to SIGINT, and Python then leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with gladhand.sandbox(program=quiet.program) as carrier:
            thread = threading.Thread(target=press)
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                carrier.control("/state")
            thread.join()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_handler_runs_during_a_call(quiet: Silent) -> None:
    handled: list[int] = []

    def handler(number: int, _frame: object) -> None:
        handled.append(number)
        quiet.answer()

    def send() -> None:
        quiet.called.acquire()
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with gladhand.sandbox(program=quiet.program) as carrier:
            thread = threading.Thread(target=send)
            thread.start()
            assert carrier.control("/state").to_python() == {"ok": True}
            thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert handled == [signal.SIGUSR1]


def test_other_threads_run_during_a_call(quiet: Silent) -> None:
    with gladhand.sandbox(program=quiet.program) as carrier:
        answers: list[object] = []
        waiting = [
            threading.Thread(target=lambda: answers.append(carrier.control("/state").to_python())) for _ in range(4)
        ]
        for thread in waiting:
            thread.start()
        # All four wait at once, and this thread counts them: none of them holds the interpreter.
        for _ in waiting:
            quiet.called.acquire()
        quiet.answer()
        for thread in waiting:
            thread.join()
    assert answers == [{"ok": True}] * 4


def test_cancelling_an_await_cancels_it(quiet: Silent) -> None:
    async def main() -> None:
        async with gladhand.aio.sandbox(program=quiet.program) as carrier:
            task = asyncio.create_task(carrier.control("/state"))
            await asyncio.to_thread(quiet.called.acquire)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(carrier.control("/state"), 0.05)

    asyncio.run(main())


def test_a_loop_that_closed_before_the_answer_is_a_normal_end(quiet: Silent) -> None:
    with gladhand.sandbox(program=quiet.program) as carrier:
        loop = asyncio.new_event_loop()

        async def begin() -> asyncio.Future[object]:
            call = carrier._native.control("/state")
            return asyncio.ensure_future(call.start())

        abandoned = loop.run_until_complete(begin())
        quiet.called.acquire()
        loop.close()
        quiet.answer()
        assert not abandoned.done()

        # The next loop is served as if nothing had happened.
        async def again() -> object:
            async with gladhand.aio.sandbox(program=quiet.program) as other:
                task = asyncio.create_task(other.control("/state"))
                await asyncio.to_thread(quiet.called.acquire)
                quiet.answer()
                return (await task).to_python()

        assert asyncio.run(again()) == {"ok": True}


def test_a_task_keeps_its_context_variables(quiet: Silent) -> None:
    request = contextvars.ContextVar("request", default="none")

    async def main() -> str:
        request.set("r-17")
        async with gladhand.aio.sandbox(program=quiet.program) as carrier:
            task = asyncio.create_task(carrier.control("/state"))
            await asyncio.to_thread(quiet.called.acquire)
            quiet.answer()
            await task
        return request.get()

    assert asyncio.run(main()) == "r-17"


def test_a_call_is_good_for_one_use(quiet: Silent) -> None:
    with gladhand.sandbox(program=quiet.program) as carrier:
        call = carrier._native.control("/state")

        def answer() -> None:
            quiet.called.acquire()
            quiet.answer()

        thread = threading.Thread(target=answer)
        thread.start()
        call.wait()
        thread.join()
        with pytest.raises(RuntimeError):
            call.wait()

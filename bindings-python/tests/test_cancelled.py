"""A pull that is cancelled loses nothing: what it brought comes with the next one, whenever the cancellation strikes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

import gladhand
import gladhand.aio
from gladhand import models


def stand_still() -> None:
    """Blocks the event loop while the core answers."""
    time.sleep(0.5)


def before_it_is_told(task: asyncio.Task[object]) -> None:
    """The answer waits to be told to the loop, and the task is cancelled before."""
    task.cancel()


def after_it_was_told(task: asyncio.Task[object]) -> None:
    """The future has its answer, and the task is cancelled before it runs on."""
    asyncio.get_running_loop().call_soon(task.cancel)


@pytest.mark.parametrize("strike", [before_it_is_told, after_it_was_told])
def test_a_cancelled_step_loses_no_event(
    carrier: gladhand.Sandbox, strike: Callable[[asyncio.Task[object]], None]
) -> None:
    async def main() -> None:
        async with await gladhand.aio.connect(carrier.config_path) as gh:
            await gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
            async with gh.events("billing") as events:
                first = await anext(events)
                waiting: asyncio.Task[object] = asyncio.ensure_future(anext(events))
                await asyncio.sleep(0)
                stand_still()
                strike(waiting)
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                second = await asyncio.wait_for(anext(events), 30)
                assert (first.sequence, second.sequence) == (1, 2)
                await first.ack()
                await second.ack()

    asyncio.run(main())


def test_a_cancelled_step_loses_no_state(carrier: gladhand.Sandbox) -> None:
    async def main() -> None:
        async with await gladhand.aio.connect(carrier.config_path) as gh:
            tender = await gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
            async with gh.tenders.watch(tender.tender_id) as states:
                waiting: asyncio.Task[models.Tender] = asyncio.ensure_future(anext(states))
                await asyncio.sleep(0)
                stand_still()
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                assert (await asyncio.wait_for(anext(states), 30)).state == "accepted"

    asyncio.run(main())


def test_what_a_cancelled_worker_had_goes_to_the_next_one_at_once(carrier: gladhand.Sandbox) -> None:
    async def main() -> None:
        async with await gladhand.aio.connect(carrier.config_path) as gh:
            await gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
            had, begun = list[gladhand.aio.Delivery](), asyncio.Event()

            async def work() -> None:
                async for delivery in gh.events("billing"):
                    had.append(delivery)
                    begun.set()
                    await asyncio.sleep(3600)

            worker = asyncio.ensure_future(work())
            await begun.wait()
            worker.cancel()
            with pytest.raises(asyncio.CancelledError):
                await worker
            # The worker's task, its traceback and its delivery are still there; the consumer is free.
            async with gh.events("billing") as events:
                again = await asyncio.wait_for(anext(events), 30)
                assert (again.sequence, had[0].sequence) == (1, 1)
                with pytest.raises(gladhand.Error) as late:
                    await had[0].ack()
                assert late.value.code == "consumer_leased"
                await again.ack()

    asyncio.run(main())


def test_workers_of_one_iterator_get_what_one_of_them_gave_back(carrier: gladhand.Sandbox) -> None:
    with gladhand.connect(carrier.config_path) as gh:
        gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
        with gh.events("billing") as events:
            first = next(events)
            first.give_back()
            again = next(events)
            assert again.sequence == first.sequence
            again.ack()
            assert next(events).sequence == 2
        # Left without closing, with its delivery kept: free at once, and done with by a late word.
        for delivery in gh.events("billing"):
            kept = delivery
            break
        kept.ack()
        with gh.events("billing") as events:
            events.open()
            with pytest.raises(gladhand.Error) as late:
                kept.ack()
        assert late.value.code == "consumer_leased"

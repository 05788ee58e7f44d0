"""What a call costs Python: one that does not wait, and one that goes to the runtime and back, beside asyncio's own round trip to
a thread. Needs the wheel with the functions TESTING_….

python calls.py SECONDS
"""

import asyncio
import queue
import sys
import threading
import time

from gladhand import _gladhand as native

SECONDS = float(sys.argv[1])
BATCH = 100


def report(name: str, done: int, start: float) -> None:
    print(f"{name}, us\t{(time.perf_counter() - start) * 1e6 / done:.2f}")


def plain(name: str, work: object) -> None:
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        for _ in range(BATCH):
            work()
        done += BATCH
    report(name, done, start)


async def awaited(name: str, work: object, together: int) -> None:
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        if together == 1:
            for _ in range(BATCH):
                await work()
            done += BATCH
        else:
            await asyncio.gather(*(work() for _ in range(together)))
            done += together
    report(f"{name}, {together} at once", done, start)


def settle(future: "asyncio.Future[int]") -> None:
    if not future.done():
        future.set_result(1)


async def main() -> None:
    loop = asyncio.get_running_loop()
    jobs: "queue.SimpleQueue[asyncio.Future[int] | None]" = queue.SimpleQueue()

    def serve() -> None:
        while (future := jobs.get()) is not None:
            loop.call_soon_threadsafe(settle, future)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    async def bare() -> int:
        future = loop.create_future()
        jobs.put(future)
        return await future

    async def call() -> int:
        return await native.TESTING_round_trip(1)

    for together in (1, 1000):
        await awaited("a thread and back, bare", bare, together)
        await awaited("a call and back", call, together)
    jobs.put(None)
    thread.join()


plain("a call that does not wait", lambda: native.TESTING_echo(1))
plain("a call and back, waited for by a thread", lambda: native.TESTING_round_trip(1).wait())
asyncio.run(main())

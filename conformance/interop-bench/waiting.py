"""Many awaits at once on one client, as `benches/waiting.rs` of `conformance/interop` does it in Rust.

python waiting.py LATENCY_MS CONCURRENT CALLS
"""

import asyncio
import sys
import time

import gladhand
from gladhand import aio


async def run(gh: aio.Client, capacity: str, concurrent: int, calls: int) -> None:
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await gh.capacity.get(carrier="aurora", capacity_id=capacity)

    await asyncio.gather(*(worker() for _ in range(concurrent)))


async def main(latency: int, concurrent: int, calls: int) -> None:
    async with aio.sandbox() as carrier, await carrier.connect() as gh:
        found = await gh.capacity.search(origin=(41.8781, -87.6298), destination=(34.0522, -118.2437))
        capacity = found.offers[0].offer.capacity_id
        await carrier.control("/latency", {"ms": latency})
        await run(gh, capacity, concurrent, concurrent)
        start, processor = time.perf_counter(), time.process_time()
        await run(gh, capacity, concurrent, calls)
        print(f"calls a second\t{calls / (time.perf_counter() - start):.0f}")
        print(f"client CPU of a call, us\t{(time.process_time() - processor) * 1e6 / calls:.1f}")


asyncio.run(main(*map(int, sys.argv[1:])))

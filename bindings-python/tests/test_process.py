"""A library in someone else's process: several clients, forks, threads that outlive the main one, and the end of it all. Each
test is a program of its own, since what is tested is how it ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import gladhand

OPENING = "import sys, gladhand, gladhand.aio\npath = sys.argv[1]\n"

PROGRAMS = {
    "closed": "gh = gladhand.connect(path); gh.health(); gh.close()",
    "never_closed": "gh = gladhand.connect(path); gh.health()",
    "two_clients": """
one, two = gladhand.connect(path), gladhand.connect(path)
assert one.health().status == two.health().status
one.close()
assert two.tenders.list() == []
try:
    one.tenders.list()
except gladhand.Error as error:
    assert error.code == "client_closed", error
else:
    raise AssertionError("a closed client answered")
three = gladhand.connect(path)
assert three.tenders.list() == []
""",
    "daemon_thread_follows": """
import threading
gh = gladhand.connect(path)
begun = threading.Event()
def follow():
    events = gh.events("billing").open()
    begun.set()
    for event in events:
        pass
threading.Thread(target=follow, daemon=True).start()
begun.wait()
""",
    "safety_callback_left": "gh = gladhand.connect(path); gh.on_safety(print)",
    "asyncio_never_closed": """
import asyncio
async def main():
    gh = await gladhand.aio.connect(path)
    events = gh.events("billing")
    task = asyncio.create_task(events.__anext__())
    await asyncio.sleep(0)
    assert (await gh.health()).version
    task.cancel()
asyncio.run(main())
""",
    "two_loops": """
import asyncio
async def connect():
    return await gladhand.aio.connect(path)
gh = asyncio.run(connect())
async def health():
    return (await gh.health()).version
assert asyncio.run(health()) == gladhand.__version__
asyncio.run(gh.close())
""",
    "calls_under_way": """
import asyncio, threading
from gladhand import _gladhand
gh = gladhand.connect(path)
def wait():
    try:
        _gladhand.TESTING_slow(3_600_000).wait()
    except gladhand.Error as error:
        assert error.code == "client_closed", error
def loop():
    async def main():
        try:
            await _gladhand.TESTING_slow(3_600_000)
        except gladhand.Error as error:
            assert error.code == "client_closed", error
    asyncio.run(main())
for work in (wait, wait, loop, loop):
    threading.Thread(target=work, daemon=True).start()
while _gladhand.TESTING_under_way() < 4:
    pass
""",
    "awaits_after_the_end": """
import asyncio, atexit
from gladhand import _exit, _gladhand
def late():
    async def main():
        await _gladhand.TESTING_round_trip(1)
    try:
        asyncio.run(main())
    except gladhand.Error as error:
        assert error.code == "client_closed", error
    else:
        raise AssertionError("an answer came home to an interpreter that ends")
    assert _gladhand.TESTING_round_trip(2).wait() == 2
atexit.unregister(_exit.close_all)
atexit.register(late)
atexit.register(_exit.close_all)
async def main():
    assert await _gladhand.TESTING_round_trip(3) == 3
asyncio.run(main())
""",
    "garbage": """
import gc
for _ in range(3):
    gh = gladhand.connect(path)
    del gh
    gc.collect()
assert gladhand.connect(path).health().version
""",
}

AT_FULL_SPEED = """
import asyncio, threading
from gladhand import _gladhand
begun = threading.Barrier(5)
def wait():
    begun.wait()
    while True:
        try:
            _gladhand.TESTING_round_trip(1).wait()
        except gladhand.Error as error:
            assert error.code == "client_closed", error
def loop():
    async def main():
        begun.wait()
        while True:
            try:
                await _gladhand.TESTING_round_trip(1)
            except gladhand.Error as error:
                assert error.code == "client_closed", error
    asyncio.run(main())
for work in (wait, wait, loop, loop):
    threading.Thread(target=work, daemon=True).start()
begun.wait()
"""


FORK = """
import os, time, traceback

def refused(operation):
    took = []
    for _ in range(3):
        begun = time.monotonic()
        try:
            operation()
        except gladhand.errors.MisuseError as error:
            assert error.code == "forked_client", error
        else:
            raise AssertionError("the parent's client answered")
        took.append(time.monotonic() - begun)
    # The quickest of three: the machine may be busy with something else.
    assert min(took) < 1, took

def in_child(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(17)
    return child

def ended(child, code=17):
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code
"""

FORKS = {
    "fork": """
gh = gladhand.connect(path)
gh.health()
told, events = gh.security_events(), gh.events("billing").open()
def work():
    for operation in (
        gh.health, gh.tenders.list, gh.identity.status, gh.identity.rotate, gh.identity.revoke_now,
        gh.security_events, gh.close, lambda: next(told), lambda: next(events), lambda: gh.identity.connection("aurora"),
    ):
        refused(operation)
    with gladhand.connect(path) as own:
        own.tenders.list()
        own.identity.rotate()
ended(in_child(work))
assert gh.tenders.list() == []
assert gh.identity.status().generations[0].generation == 1
""",
    "preload": """
import sys
gh = gladhand.connect(path)
gh.health()
workers = []
for _ in range(3):
    worker = os.fork()
    if worker == 0:
        refused(gh.health)
        own = gladhand.connect(path)
        assert own.identity.connection("aurora").version == "TLSv1_3"
        sys.exit(17)
    workers.append(worker)
for worker in workers:
    ended(worker)
assert gh.health().version
""",
    "asyncio": """
import asyncio
async def main():
    return await gladhand.aio.connect(path)
gh = asyncio.run(main())
def work():
    refused(lambda: asyncio.run(health()))
    async def own():
        async with await gladhand.aio.connect(path) as own:
            await own.tenders.list()
    asyncio.run(own())
async def health():
    await gh.health()
ended(in_child(work))
asyncio.run(gh.close())
""",
    "at_work": """
import threading
gh = gladhand.connect(path)
over = threading.Event()
def calls():
    while not over.is_set():
        gh.capacity.search(origin=(41.8781, -87.6298), destination=(34.0522, -118.2437))
threads = [threading.Thread(target=calls) for _ in range(4)]
for thread in threads:
    thread.start()
def work():
    refused(gh.health)
    with gladhand.connect(path) as own:
        own.tenders.list()
for _ in range(4):
    ended(in_child(work))
over.set()
for thread in threads:
    thread.join()
""",
    "multiprocessing": """
import multiprocessing
def work(path):
    refused(gh.health)
    with gladhand.connect(path) as own:
        return own.health().version
gh = gladhand.connect(path)
with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
    assert pool.map(work, [path] * 4, chunksize=1) == [gladhand.__version__] * 4
""",
}

FORKS_AT_FULL_SPEED = """
import asyncio, threading
from gladhand import _gladhand
over = threading.Event()
def wait():
    while not over.is_set():
        _gladhand.TESTING_round_trip(1).wait()
def loop():
    async def main():
        while not over.is_set():
            await _gladhand.TESTING_round_trip(1)
    asyncio.run(main())
threads = [threading.Thread(target=work) for work in (wait, wait, loop)]
for thread in threads:
    thread.start()
def work():
    async def own():
        assert await _gladhand.TESTING_round_trip(3) == 3
    assert _gladhand.TESTING_round_trip(2).wait() == 2
    asyncio.run(own())
for _ in range(int(sys.argv[2])):
    ended(in_child(work))
over.set()
for thread in threads:
    thread.join()
"""
ROUNDS = int(os.environ.get("GLADHAND_FORK_ROUNDS", "0"))


def ends_by_itself(carrier: gladhand.Sandbox, program: str, *arguments: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "dev",
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            program,
            str(carrier.config_path),
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # On a busy machine asyncio's debug mode says what took a tenth of a second.
    said = [line for line in done.stderr.splitlines() if not (line.startswith("Executing ") and " took " in line)]
    assert said == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_by_itself(carrier: gladhand.Sandbox, name: str) -> None:
    ends_by_itself(carrier, OPENING + PROGRAMS[name])


def test_a_program_ends_while_its_daemon_threads_call_at_full_speed(carrier: gladhand.Sandbox) -> None:
    # Wherever its end finds them.
    for _ in range(10):
        ends_by_itself(carrier, OPENING + AT_FULL_SPEED)


@pytest.mark.parametrize("name", FORKS)
def test_negative_n36_a_child_is_refused_its_parents_client_at_once_and_has_its_own(
    carrier: gladhand.Sandbox, name: str
) -> None:
    ends_by_itself(carrier, OPENING + FORK + FORKS[name])


@pytest.mark.skipif(ROUNDS == 0, reason="GLADHAND_FORK_ROUNDS says how many forks")
def test_forks_while_other_threads_call_at_full_speed(carrier: gladhand.Sandbox) -> None:
    ends_by_itself(carrier, OPENING + FORK + FORKS_AT_FULL_SPEED, str(ROUNDS))

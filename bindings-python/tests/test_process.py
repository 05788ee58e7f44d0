"""A library in someone else's process: several clients, forks, threads that outlive the main one, and the end of it all. Each
test is a program of its own, since what is tested is how it ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gladhand

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
    begun.set()
    for event in gh.events("billing"):
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
    "fork": """
import os
gh = gladhand.connect(path)
child = os.fork()
if child == 0:
    try:
        gh.health()
    except gladhand.Error as error:
        assert error.code == "forked_client", error
        with gladhand.connect(path) as own:
            own.tenders.list()
        os._exit(17)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17
assert gh.tenders.list() == []
""",
    "multiprocessing_fork": """
import multiprocessing
def work(path):
    with gladhand.connect(path) as own:
        return own.health().version
gh = gladhand.connect(path)
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(work, [path, path]) == [gladhand.__version__] * 2
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


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_by_itself(carrier: gladhand.Sandbox, name: str) -> None:
    program = "import sys, gladhand, gladhand.aio\npath = sys.argv[1]\n" + PROGRAMS[name]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "-c", program, str(carrier.config_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""

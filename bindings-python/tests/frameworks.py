"""The web frameworks of the README, each with its own snippet, served on loopback."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

README = Path(__file__).parents[1] / "README.md"


def snippet(name: str) -> ModuleType:
    """The README's program for a framework, run as it stands there."""
    programs = re.findall(r"^```python\n(# \w+\n.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    (program,) = [program for program in programs if program.startswith(f"# {name}\n")]
    module = ModuleType(f"readme_{name.lower()}")
    sys.modules[module.__name__] = module
    exec(compile(program, f"{README.name}, {name}", "exec"), module.__dict__)
    return module


@contextmanager
def fastapi() -> Iterator[int]:
    """FastAPI by uvicorn; the port."""
    import uvicorn

    app = snippet("FastAPI").app
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none", http="h11", loop="asyncio"))
    started = threading.Event()
    startup = server.startup

    async def signalled(*arguments: Any, **named: Any) -> None:
        await startup(*arguments, **named)
        started.set()

    server.startup = signalled  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(30)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


class Quiet(WSGIRequestHandler):
    """Without a line for each request."""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def wsgi(app: Any) -> Iterator[int]:
    """A WSGI application by the server of the standard library; the port."""
    server: WSGIServer = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def flask() -> Iterator[int]:
    """Flask; the port."""
    module = snippet("Flask")
    with module.gh, wsgi(module.app) as port:
        yield port


@contextmanager
def django() -> Iterator[int]:
    """Django; the port."""
    from django.conf import settings  # type: ignore[import-untyped]
    from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]

    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF="readme_django", USE_TZ=True)
    module = snippet("Django")
    with module.gh, wsgi(get_wsgi_application()) as port:
        yield port

"""A carrier that never answers: a program that prints a sandbox's ready line and names a control port that keeps silent.
For tests of waiting, interrupting and cancelling, which must not depend on how long anything takes."""

from __future__ import annotations

import contextlib
import json
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

PROGRAM = """#!/bin/sh
echo '{ready}'
exec cat > /dev/null
"""


class Silent:
    """The program, and what its control port heard."""

    def __init__(self, folder: Path) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.called = threading.Semaphore(0)
        """Released once for each call that arrived."""
        self.program = folder / "silent-sandbox"
        control = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        ready = {"ready": True, "url": "", "control": control, "config": "", "gatewayConfig": "", "dir": str(folder)}
        self.program.write_text(PROGRAM.format(ready=json.dumps(ready)))
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                self.called.release()

    def answer(self) -> None:
        """Answers every call that waits."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                # The whole of it: closing on unread bytes would reset the connection before its answer is read.
                request = b""
                while b"\r\n\r\n" not in request and (more := connection.recv(65_536)):
                    request += more
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}')
                connection.close()
        self._connections.clear()

    def close(self) -> None:
        """Ends it; calls that wait see the end of their connection."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.answer()
        self._thread.join()


@contextlib.contextmanager
def silent(folder: Path) -> Iterator[Silent]:
    """A carrier that never answers."""
    carrier = Silent(folder)
    try:
        yield carrier
    finally:
        carrier.close()

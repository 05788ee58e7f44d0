"""The TMS's webhook receiver: a loopback HTTP server that hands each request to `inbox.receive` and answers as it says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gladhand
from gladhand import models


class Receiver(ThreadingHTTPServer):
    """Keeps the receipts that the inbox gave."""

    def __init__(self, gh: gladhand.Client) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.gh = gh
        self.receipts: list[models.InboxReceipt] = []

    @property
    def url(self) -> str:
        """Where the carrier may post."""
        return f"http://127.0.0.1:{self.server_address[1]}/webhooks/aurora"


class Handler(BaseHTTPRequestHandler):
    """One request of the carrier."""

    server: Receiver

    def do_OPTIONS(self) -> None:
        """The handshake: yes, this carrier may post here."""
        self.send_response(200)
        self.send_header("WebHook-Allowed-Origin", self.headers.get("WebHook-Request-Origin", "*"))
        self.send_header("WebHook-Allowed-Rate", "*")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """One event."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            receipt = self.server.gh.inbox.receive(dict(self.headers.items()), body)
        except gladhand.Error as error:
            status = error.http_status or 400
        else:
            self.server.receipts.append(receipt)
            status = receipt.status
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet: the demo prints its own lines."""


@contextmanager
def receiver(gh: gladhand.Client) -> Iterator[Receiver]:
    """A receiver at work."""
    with Receiver(gh) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

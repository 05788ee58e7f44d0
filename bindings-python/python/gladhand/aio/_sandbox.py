"""A local carrier: real TLS, real tokens, a stateful other side, with the clock and the faults in your hand."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from .. import _arguments, models
from .._arguments import DocumentLike
from .._gladhand import Sandbox as Native
from ._answer import answer
from ._client import Client, connect


def sandbox(carrier: str = "aurora", *, program: str | Path | None = None, arguments: Iterable[str] = ()) -> Sandbox:
    """Starts a local carrier; use it as a context manager, so that it ends.

    The program is `program`, or what the variable `GLADHAND_SANDBOX` names, or that of the wheel `gladhand-sandbox`, or
    `gladhand-sandbox` on the `PATH`.
    """
    named = None if program is None else str(program)
    return Sandbox(Native.start(carrier, named, _packaged(), list(arguments)))


def _packaged() -> str | None:
    """The program of the wheel `gladhand-sandbox`, if that is installed."""
    try:
        return str(importlib.import_module("gladhand_sandbox").program())
    except ModuleNotFoundError:
        return None


class Sandbox:
    """A running sandbox carrier."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._ready = native.ready()

    def _fact(self, name: str) -> str:
        return self._ready.text(f"/{name}") or ""

    @property
    def url(self) -> str:
        """Where the carrier answers, over mutual TLS."""
        return self._fact("url")

    @property
    def control_url(self) -> str:
        """Where its control interface answers, over plain HTTP."""
        return self._fact("control")

    @property
    def config_path(self) -> Path:
        """A `gladhand.toml` that connects to it."""
        return Path(self._fact("config"))

    @property
    def gateway_config_path(self) -> Path:
        """The configuration of a vehicle gateway that streams to it."""
        return Path(self._fact("gatewayConfig"))

    @property
    def folder(self) -> Path:
        """Where its keys, certificates and configurations lie."""
        return Path(self._fact("dir"))

    async def connect(self, **overrides: str) -> Client:
        """A client of this carrier. Raises as `connect` does."""
        return await connect(self.config_path, **overrides)

    async def load(self, load_id: str, offer: DocumentLike | None = None) -> models.LoadTender:
        """A load that fits the carrier's stock, or this offer of it, with dates ahead of the carrier's clock. Raises
        `sandbox_failed` once the carrier has ended."""
        call = self._native.load(load_id, _arguments.maybe_document(offer))
        return models.LoadTender.from_document(await answer(call))

    async def control(self, path: str, body: DocumentLike | None = None) -> models.Value:
        """Calls the control interface: reads `path` without a body, posts the body otherwise. Raises `invalid_argument` with
        the carrier's words where it refuses, `sandbox_failed` once it has ended."""
        answered = await answer(self._native.control(path, _arguments.maybe_document(body)))
        return _arguments.value(answered)

    async def close(self) -> None:
        """Ends the carrier and waits for it."""
        self._native.stop()

    def __repr__(self) -> str:
        return f"Sandbox(url={self.url!r})"

    async def __aenter__(self) -> Sandbox:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

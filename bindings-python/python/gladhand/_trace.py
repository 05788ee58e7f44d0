"""The trace of the host: which one a call belongs to that begins here."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_given: ContextVar[tuple[str, str | None] | None] = ContextVar("gladhand_trace_context", default=None)


@contextmanager
def trace_context(traceparent: str, tracestate: str | None = None) -> Generator[None]:
    """Calls in its block belong to this trace (W3C Trace Context, values of the header fields of that name): their requests
    carry it to the carrier, and what they raise has its `trace_id`. Each thread and each asyncio task has its own.

        with gladhand.trace_context(request.headers["traceparent"]):
            gh.tenders.create(load, carrier="aurora")

    A program that uses OpenTelemetry needs none: without it, calls belong to the span that is active where they begin. What is
    malformed is no context. Raises nothing.
    """
    token = _given.set((traceparent, tracestate))
    try:
        yield
    finally:
        _given.reset(token)


def current() -> tuple[str, str | None] | None:
    """`traceparent` and `tracestate` of a call that begins here: those given, else those of OpenTelemetry's active span."""
    given = _given.get()
    # Costs nothing in a program without OpenTelemetry.
    if given is not None or "opentelemetry.trace" not in sys.modules:
        return given
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    fields: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(fields)
    parent = fields.get("traceparent")
    return None if parent is None else (parent, fields.get("tracestate"))

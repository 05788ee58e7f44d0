"""The host's trace reaches the carrier, judged by what the carrier saw; with OpenTelemetry, and without it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, Tracer, format_span_id, format_trace_id
from opentelemetry.trace.span import TraceState

import gladhand
import gladhand.aio
from gladhand import trace_context
from identities import seen as requests

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def tracer() -> Iterator[Tracer]:
    """A tracer of the host; nothing of it is global."""
    provider = TracerProvider()
    yield provider.get_tracer("tms")
    provider.shutdown()


def trace_of(span: Span) -> str:
    return format_trace_id(span.get_span_context().trace_id)


def parents(carrier: gladhand.Sandbox, capacity_id: str) -> list[str | None]:
    """`traceparent` of the requests for this capacity."""
    return [seen.get("traceparent") for seen in requests(carrier) if seen["path"].endswith(capacity_id)]


def refused(gh: gladhand.Client, capacity_id: str) -> gladhand.Error:
    with pytest.raises(gladhand.Error) as caught:
        gh.capacity.get("aurora", capacity_id)
    return caught.value


def test_a_call_belongs_to_the_active_span(carrier: gladhand.Sandbox, gh: gladhand.Client, tracer: Tracer) -> None:
    with tracer.start_as_current_span("dispatch") as span:
        error = refused(gh, "nowhere-1")
    (parent,) = parents(carrier, "nowhere-1")
    assert parent is not None
    version, trace, own, flags = parent.split("-")
    assert (version, trace, flags) == ("00", trace_of(span), "01")
    assert own != format_span_id(span.get_span_context().span_id), "a request has a span of its own"
    assert error.trace_id == trace_of(span)


def test_every_request_of_a_tender_is_in_the_trace(
    carrier: gladhand.Sandbox, gh: gladhand.Client, tracer: Tracer
) -> None:
    with tracer.start_as_current_span("dispatch") as span:
        gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
    latest = carrier.control("/state").to_python()["requests"]["latest"]
    (create,) = [seen for seen in latest if seen["operation"] == "tenders.create"]
    assert create["traceparent"].split("-")[1] == trace_of(span)
    tokens = [seen for seen in requests(carrier) if "token" in seen["path"]]
    assert tokens
    assert all(seen["traceparent"].split("-")[1] == trace_of(span) for seen in tokens)


def test_tasks_and_threads_do_not_mix(carrier: gladhand.Sandbox, tracer: Tracer) -> None:
    async def one(gh: gladhand.aio.Client, name: str) -> tuple[str, str, str | None]:
        with tracer.start_as_current_span(name) as span:
            await asyncio.sleep(0)
            with pytest.raises(gladhand.Error) as caught:
                await gh.capacity.get("aurora", name)
            return name, trace_of(span), caught.value.trace_id

    async def all_of_them() -> list[tuple[str, str, str | None]]:
        async with await gladhand.aio.connect(carrier.config_path) as gh:
            return await asyncio.gather(*(one(gh, f"nowhere-{number}") for number in range(16)))

    told = asyncio.run(all_of_them())
    assert len({trace for _, trace, _ in told}) == 16
    for name, trace, raised in told:
        assert raised == trace
        (parent,) = parents(carrier, name)
        assert parent is not None
        assert parent.split("-")[1] == trace


def test_without_opentelemetry_the_program_says_which(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    with trace_context(PARENT, "rojo=1,congo=2"):
        error = refused(gh, "nowhere-1")
        with trace_context(PARENT.replace("4bf9", "0000")):
            assert refused(gh, "nowhere-2").trace_id == TRACE.replace("4bf9", "0000")
        assert refused(gh, "nowhere-3").trace_id == TRACE
    assert error.trace_id == TRACE
    (parent,) = parents(carrier, "nowhere-1")
    assert parent is not None
    assert parent.startswith(f"00-{TRACE}-")
    latest = carrier.control("/state").to_python()["requests"]["latest"]
    assert next(seen["tracestate"] for seen in latest if seen["path"].endswith("nowhere-1")) == "rojo=1,congo=2"
    refused(gh, "nowhere-4")
    assert parents(carrier, "nowhere-4") == [None]


def test_an_error_without_a_carrier_has_the_trace_too(gh: gladhand.Client) -> None:
    with trace_context(PARENT), pytest.raises(gladhand.Error) as caught:
        gh.tenders.get("t-nobody-knows")
    assert (caught.value.code, caught.value.trace_id) == ("tender_unknown", TRACE)


@pytest.mark.parametrize("wrong", ["", "00-zz", PARENT.upper(), PARENT + "-x", "\x00", "é" * 55])
def test_what_is_malformed_is_no_context(carrier: gladhand.Sandbox, gh: gladhand.Client, wrong: str) -> None:
    with trace_context(wrong, "no state"):
        refused(gh, "nowhere-1")
    assert parents(carrier, "nowhere-1") == [None]


def test_the_state_of_the_span_goes_along(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    from opentelemetry import trace

    context = trace.SpanContext(
        int(TRACE, 16), 7, is_remote=True, trace_flags=trace.TraceFlags(0), trace_state=TraceState([("vendor", "x")])
    )
    with trace.use_span(trace.NonRecordingSpan(context)):
        refused(gh, "nowhere-1")
    latest = carrier.control("/state").to_python()["requests"]["latest"]
    (seen,) = [seen for seen in latest if seen["path"].endswith("nowhere-1")]
    assert seen["tracestate"] == "vendor=x"
    assert seen["traceparent"].startswith(f"00-{TRACE}-")
    assert seen["traceparent"].endswith("-00")


def test_opentelemetry_is_not_imported_by_us(carrier: gladhand.Sandbox) -> None:
    program = f"""
import sys, gladhand
with gladhand.connect({str(carrier.config_path)!r}) as gh:
    gh.health()
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    subprocess.run([sys.executable, "-c", program], check=True)

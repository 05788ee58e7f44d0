"""Everything public is documented, with what it raises; and what a person sees of it in a debugger helps."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterator

import gladhand
import gladhand.aio
from gladhand import contract, errors
from gladhand._sync import _dispatches, _identity, _services, _tenders

RAISES_NOTHING = {
    "Client.close",
    "Delivery.give_back",
    "Events.close",
    "Gateway.stats",
    "Positions.close",
    "SafetyWatch.close",
    "Sandbox.close",
    "SecurityEvents.close",
    "SecurityEvents.open",
    "Watch.close",
    "contract.event_digest",
    "contract.history_start",
    "contract.idempotency_key",
}
"""Operations that have no failure of their own."""
PROSE = {"http_status", "maybe_sent"}
"""Words in backquotes that are no codes."""


def operations() -> Iterator[tuple[str, str]]:
    """Every public operation, with its documentation."""
    classes = [getattr(gladhand, name) for name in gladhand.aio.__all__ if inspect.isclass(getattr(gladhand, name))]
    for module in (_dispatches, _identity, _services, _tenders):
        classes += [cls for _, cls in inspect.getmembers(module, inspect.isclass) if cls.__module__ == module.__name__]
    for cls in classes:
        for name, member in inspect.getmembers(cls, inspect.isfunction):
            if not name.startswith("_") and member.__module__ != "gladhand._document":
                yield f"{cls.__name__}.{name}", inspect.getdoc(member) or ""
    for name, member in inspect.getmembers(contract, inspect.isfunction):
        if not name.startswith("_") and member.__module__ == contract.__name__:
            yield f"contract.{name}", inspect.getdoc(member) or ""


def test_every_operation_says_what_it_raises() -> None:
    found = dict(operations())
    assert len(found) > 60
    silent = {name for name, text in found.items() if not re.search(r"\braise[sd]?\b", text, re.IGNORECASE)}
    assert silent - RAISES_NOTHING == set()
    assert [name for name, text in found.items() if not text] == []


def test_every_code_that_is_named_is_one() -> None:
    codes = {value for name, value in vars(errors.Code).items() if name.isupper()}
    named = {name.partition(".")[2] for name, _ in operations()}
    for name, text in operations():
        # What stands in backquotes after a "raises", up to the end of its sentence.
        for sentence in re.findall(r"\braises? (.*?)(?:\.\s|\.$)", text, re.IGNORECASE | re.DOTALL):
            for word in re.findall(r"`([a-z]+_[a-z_]+)`", sentence):
                assert word in codes | named | PROSE, f"{name} names {word}, which is no code"


def test_a_repr_helps(carrier: gladhand.Sandbox, gh: gladhand.Client) -> None:
    assert repr(carrier) == f"Sandbox(url={carrier.url!r})"
    assert repr(gh) == "Client(carriers=['aurora'])"
    events = gh.events("billing")
    assert repr(events) == "Events(consumer='billing', not opened yet)"
    events.open()
    assert repr(events) == "Events(consumer='billing', open)"
    events.close()
    assert repr(events) == "Events(consumer='billing', closed)"
    tender = gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
    assert repr(gh.tenders.watch(tender.tender_id)) == "Watch(not opened yet)"
    assert repr(tender).startswith(f"Tender(tender_id={tender.tender_id!r}, load_id='load-1', ")
    assert repr(gladhand.Gateway(carrier.gateway_config_path)) == f"Gateway(path={str(carrier.gateway_config_path)!r})"
    gh.close()
    assert repr(gh) == "Client(client_closed)"

    async def main() -> None:
        async with await gladhand.aio.connect(carrier.config_path) as own:
            assert repr(own) == "Client(carriers=['aurora'])"

    asyncio.run(main())

"""Runs a scenario of `conformance/vectors/scenarios` through the public API; `conformance/vectors/README.md` has the words.

One runner for both halves of the package: what may be awaited is.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import gladhand
from gladhand import Document, models

REFERENCE = re.compile(r'"\$\{([^}/]+)(/[^}]*)?\}"')


async def now(value: Any) -> Any:
    """The value, awaited if it must be."""
    return await value if inspect.isawaitable(value) else value


class Scenario:
    """One conversation with a sandbox carrier of its own."""

    def __init__(self, api: ModuleType, carrier: Any, vectors: Path, folder: Path) -> None:
        self.api = api
        self.carrier = carrier
        self.vectors = vectors
        self.folder = folder
        self.client: Any = None
        self.saved: dict[str, Document] = {}

    async def run(self, document: Document) -> None:
        """Runs the steps in order."""
        try:
            for place in range(document.count("/steps") or 0):
                step = document.raw(f"/steps/{place}") or ""
                try:
                    await self.repeat(step)
                except Exception as error:
                    error.args = (f"step {place}: {error.args[0] if error.args else error}", *error.args[1:])
                    raise
        finally:
            await self.close(None)

    async def repeat(self, text: str) -> None:
        """Runs a step, as often as it may take."""
        attempts = int(Document.parse(text).number("/eventually") or 1)
        for left in reversed(range(attempts)):
            try:
                return await self.step(text)
            except (AssertionError, gladhand.Error):
                if not left:
                    raise
            await asyncio.sleep(0.1)
        return None

    async def step(self, text: str) -> None:
        """Runs a step once."""
        step = Document.parse(REFERENCE.sub(self.resolve, text))
        play: Callable[[Document], Awaitable[Document | None]] = getattr(
            self, (step.text("/op") or "").replace(".", "_")
        )
        if step.kind("/expectError"):
            self.expect_error(step, await self.failure(play, step))
            return
        answer = await play(step)
        for place in range(step.count("/expect") or 0):
            self.expect(step, f"/expect/{place}", answer or Document.parse("null"))
        name = step.text("/save")
        if name and answer:
            self.saved[name] = answer

    def resolve(self, reference: re.Match[str]) -> str:
        """The JSON text that a saved answer has at a pointer."""
        raw = self.saved[reference[1]].raw(reference[2] or "")
        assert raw is not None, f"nothing stands at {reference[0]}"
        return raw

    async def failure(self, play: Callable[[Document], Awaitable[Any]], step: Document) -> gladhand.Error:
        """The error that a step must raise."""
        try:
            answer = await play(step)
        except gladhand.Error as error:
            return error
        raise AssertionError(f"{step.text('/op')} must fail, and answered {answer.json()[:300] if answer else None}")

    def expect_error(self, step: Document, error: gladhand.Error) -> None:
        """What must hold for an error."""
        assert error.code == step.text("/expectError/code"), str(error)
        assert error.sent == (step.text("/expectError/sent") or error.sent)
        assert (step.text("/expectError/says") or "") in str(error)

    def expect(self, step: Document, check: str, answer: Document) -> None:
        """What must hold for an answer."""
        pointer = step.text(f"{check}/pointer") or ""
        places = list(expand(answer, pointer))
        shown = f"{step.raw(check)} of {answer.json()[:600]}"
        if step.kind(f"{check}/present"):
            found = any(answer.kind(place) for place in places)
            assert found == step.boolean(f"{check}/present"), shown
        elif step.kind(f"{check}/count"):
            wanted = int(step.number(f"{check}/count") or 0)
            assert any(answer.count(place) == wanted for place in places), shown
        elif step.kind(f"{check}/bytesOf"):
            text = (self.vectors / (step.text(f"{check}/bytesOf") or "")).read_text().strip()
            assert any(answer.raw(place) == text for place in places), shown
        else:
            several = step.kind(f"{check}/oneOf")
            wanted_at = (
                [f"{check}/oneOf/{place}" for place in range(step.count(f"{check}/oneOf") or 0)]
                if several
                else [f"{check}/equals"]
            )
            assert any(same(answer, place, step, wanted) for place in places for wanted in wanted_at), shown

    # The operations.

    async def connect(self, step: Document) -> None:
        """Connects, maybe with keys left out or with another journal."""
        path = self.carrier.config_path
        without = [step.text(f"/without/{place}") for place in range(step.count("/without") or 0)]
        if without:
            lines = path.read_text().splitlines()
            kept = [line for line in lines if line.split("=")[0].strip() not in without]
            path = path.with_name("without.toml")
            path.write_text("\n".join(kept))
        journal = step.text("/journal")
        own = {"journal__path": str(self.carrier.folder / journal)} if journal else {}
        self.client = await now(self.api.connect(path, **own))

    async def close(self, _step: Document | None) -> None:
        """Closes the client."""
        client, self.client = self.client, None
        if client is not None:
            await now(client.close())

    async def sandbox_control(self, step: Document) -> Document:
        """Calls the control interface."""
        body: Any = part(step, "/body")
        if step.kind("/file"):
            body = (self.vectors / (step.text("/file") or "")).read_bytes()
        answer: Document = (await now(self.carrier.control(step.text("/path"), body))).document
        return answer

    async def sandbox_load(self, step: Document) -> Document:
        """A load that fits."""
        load: models.LoadTender = await now(self.carrier.load(step.text("/loadId"), part(step, "/offer")))
        return load.document

    async def document_parse(self, step: Document) -> Document:
        """Parses and validates."""
        file = step.text("/file")
        text = (self.vectors / file).read_bytes() if file else (step.text("/text") or "").encode()
        model: type[models.Model] = getattr(models, step.text("/entity") or "")
        return model.from_json(text).validate().document

    async def document_set(self, step: Document) -> Document:
        """Sets and removes members."""
        document = Document.parse(step.raw("/document") or "")
        for place in range(step.count("/set") or 0):
            pointer = step.text(f"/set/{place}/pointer") or ""
            value = step.raw(f"/set/{place}/value")
            document = document.remove(pointer) if value is None else document.patch(pointer, value)
        return document

    async def capacity_search(self, step: Document) -> Document:
        """Searches."""
        request = models.CapacitySearch.from_json(step.raw("/request") or "")
        found = await now(
            self.client.capacity.search(
                origin=request.origin,
                destination=request.destination,
                window=request.window,
                equipment=request.equipment,
                weight_lbs=request.weight_lbs,
                radius_mi=request.radius_mi,
            )
        )
        return view(found)

    async def capacity_explain(self, step: Document) -> Document:
        """Explains."""
        return view(self.client.capacity.explain(part(step, "/load"), part(step, "/offer")))

    async def capacity_get(self, step: Document) -> Document:
        """Reads an offer."""
        return view(await now(self.client.capacity.get(step.text("/carrier"), step.text("/capacityId"))))

    async def capacity_hold(self, step: Document) -> Document:
        """Holds a slot."""
        hold = self.client.capacity.hold
        return view(await now(hold(step.text("/carrier"), step.text("/capacityId"), hold_id=step.text("/holdId"))))

    async def capacity_release(self, step: Document) -> Document:
        """Lets a slot go."""
        release = self.client.capacity.release
        return view(await now(release(step.text("/carrier"), step.text("/capacityId"), step.text("/holdId"))))

    async def tenders_create(self, step: Document, again: bool = False) -> Document:
        """Tenders."""
        play = self.client.tenders.tender_again if again else self.client.tenders.create
        answer = await now(
            play(
                part(step, "/load"),
                carrier=step.text("/carrier"),
                capacity=part(step, "/capacity"),
                wait=patience(step),
            )
        )
        return view(answer)

    async def tenders_again(self, step: Document) -> Document:
        """Tenders again."""
        return await self.tenders_create(step, again=True)

    async def tenders_get(self, step: Document) -> Document:
        """Reads a tender."""
        return view(await now(self.client.tenders.get(step.text("/tenderId"))))

    async def tenders_list(self, step: Document) -> Document:
        """Lists tenders."""
        found = await now(self.client.tenders.list(state=step.text("/state")))
        return listed("tenders", [tender.document for tender in found])

    async def tenders_withdraw(self, step: Document) -> Document:
        """Withdraws a tender."""
        return view(await now(self.client.tenders.withdraw(step.text("/tenderId"), reason=step.text("/reason"))))

    async def tenders_revise(self, step: Document) -> Document:
        """Sends another content."""
        revise = self.client.tenders.revise
        return view(await now(revise(step.text("/tenderId"), part(step, "/load"), wait=patience(step))))

    async def tenders_amend(self, step: Document) -> Document:
        """Proposes another content."""
        return view(await now(self.client.tenders.amend(step.text("/tenderId"), part(step, "/load"))))

    async def tenders_accept_counter(self, step: Document) -> Document:
        """Takes a counter offer."""
        return view(await now(self.client.tenders.accept_counter(step.text("/tenderId"), wait=patience(step))))

    async def tenders_decline_counter(self, step: Document) -> Document:
        """Declines a counter offer."""
        decline = self.client.tenders.decline_counter
        return view(await now(decline(step.text("/tenderId"), reason=step.text("/reason"))))

    async def tenders_request_cancel(self, step: Document) -> Document:
        """Asks to cancel."""
        cancel = self.client.tenders.request_cancel
        return view(await now(cancel(step.text("/tenderId"), reason=step.text("/reason"))))

    async def tenders_release_unproven(self, step: Document) -> Document:
        """Overrides."""
        audited = {name: step.text(f"/{name}") for name in ("actor", "reason", "runbook")}
        return view(await now(self.client.tenders.release_unproven(step.text("/tenderId"), **audited)))

    async def events_take(self, step: Document) -> Document:
        """Reads and acknowledges events."""
        wanted, taken = int(step.number("/count") or 0), list[Document]()
        events = self.client.events(step.text("/consumer"))
        try:
            while len(taken) < wanted:
                delivery = await asyncio.wait_for(one(events), 10)
                taken.append(delivery.event.document)
                await now(delivery.ack())
        finally:
            await now(events.close())
        return listed("events", taken)

    async def inbox_receive(self, step: Document) -> Document:
        """Receives a webhook."""
        return view(await now(self.client.inbox.receive(headers(step), (step.text("/body") or "").encode())))

    async def inbox_handshake(self, step: Document) -> Document:
        """Answers a handshake."""
        return view(self.client.inbox.handshake(headers(step)))

    async def dispatches_get(self, step: Document) -> Document:
        """Reads a dispatch."""
        return view(await now(self.client.dispatches.get(step.text("/dispatchId"))))

    async def dispatches_stop(self, step: Document) -> Document:
        """Asks for a stop."""
        stop = self.client.dispatches.stop_at_next_safe_location
        return view(await now(stop(step.text("/dispatchId"), **asking(step))))

    async def dispatches_resume(self, step: Document) -> Document:
        """Asks to go on."""
        resume = self.client.dispatches.resume
        return view(await now(resume(step.text("/dispatchId"), step.text("/commandRef"), **asking(step))))

    async def dispatches_hold(self, step: Document) -> Document:
        """Asks for a hold."""
        lease = int(step.number("/leaseS") or 0)
        return view(await now(self.client.dispatches.hold(step.text("/dispatchId"), **asking(step), lease=lease)))

    async def dispatches_renew_hold(self, step: Document) -> Document:
        """Asks for another lease."""
        lease, renew = int(step.number("/leaseS") or 0), self.client.dispatches.renew_hold
        return view(await now(renew(step.text("/dispatchId"), step.text("/commandRef"), **asking(step), lease=lease)))

    async def dispatches_release(self, step: Document) -> Document:
        """Asks for the end of a hold."""
        release = self.client.dispatches.release
        return view(await now(release(step.text("/dispatchId"), step.text("/commandRef"), **asking(step))))

    async def dispatches_request_intervention(self, step: Document) -> Document:
        """Asks for a person."""
        request = self.client.dispatches.request_intervention
        return view(await now(request(step.text("/dispatchId"), step.text("/kind"), **asking(step))))

    async def dispatches_change_route(self, step: Document) -> Document:
        """Asks for a detour."""
        change = self.client.dispatches.change_route
        return view(await now(change(step.text("/dispatchId"), step.text("/detourId"), **asking(step))))

    async def dispatches_commands(self, step: Document) -> Document:
        """Lists what was asked for."""
        found = await now(self.client.dispatches.commands(step.text("/dispatchId")))
        return listed("commands", [record.document for record in found])

    async def dispatches_revoke(self, step: Document) -> Document:
        """Takes a command back."""
        revoke = self.client.dispatches.revoke
        return view(await now(revoke(step.text("/dispatchId"), step.text("/commandId"), **asking(step))))

    async def dispatches_command_status(self, step: Document) -> Document:
        """Reads a command's status."""
        status = self.client.dispatches.command_status(step.text("/dispatchId"), step.text("/commandId"))
        return view(await now(status))

    async def documents_list(self, step: Document) -> Document:
        """Lists papers."""
        return view(await now(self.client.documents.list(step.text("/tenderId"))))

    async def reconcile(self, _step: Document) -> Document:
        """Reconciles."""
        return view(await now(self.client.reconcile.run()))

    async def journal_verify(self, _step: Document) -> Document:
        """Verifies the journal."""
        return view(await now(self.client.journal.verify()))

    async def health(self, _step: Document) -> Document:
        """Asks for health."""
        return view(await now(self.client.health()))


async def one(events: Any) -> Any:
    """The next item of either kind of iterator."""
    if hasattr(events, "__anext__"):
        return await events.__anext__()
    return await asyncio.to_thread(next, events)


def view(model: Any) -> Document:
    """The document of a view."""
    document: Document = model.document
    return document


def patience(step: Document) -> float | None:
    """How long to wait, in seconds."""
    wait = step.number("/waitMs")
    return None if wait is None else int(wait) / 1000


def asking(step: Document) -> dict[str, Any]:
    """Why something is asked for, and by whom."""
    by = (step.text("/requestedBy/principal"), step.text("/requestedBy/role"))
    return {"reason": step.text("/reason"), "requested_by": by}


def headers(step: Document) -> list[tuple[str, str]]:
    """The header fields of a request."""
    places = (f"/headers/{place}" for place in range(step.count("/headers") or 0))
    return [(step.text(f"{place}/0") or "", step.text(f"{place}/1") or "") for place in places]


def part(step: Document, pointer: str) -> str | None:
    """An argument as JSON text; None if it is not given."""
    return step.raw(pointer)


def listed(name: str, documents: list[Document]) -> Document:
    """Documents as a list under a name."""
    return Document.parse(f'{{"{name}":[{",".join(document.json() for document in documents)}]}}')


def expand(document: Document, pointer: str) -> Iterator[str]:
    """The pointers that a pointer with a `*` stands for."""
    before, star, after = pointer.partition("/*")
    if not star:
        yield pointer
        return
    for place in range(document.count(before) or 0):
        yield from expand(document, f"{before}/{place}{after}")


def same(one: Document, here: str, other: Document, there: str) -> bool:
    """Whether two values are equal: strings by their text, everything else by its JSON text."""
    if one.kind(here) == "string" == other.kind(there):
        return one.text(here) == other.text(there)
    return one.raw(here) is not None and one.raw(here) == other.raw(there)


def play(api: ModuleType, file: Path, vectors: Path, folder: Path) -> None:
    """Plays the scenario of a file."""
    document = Document.parse(file.read_bytes())

    async def main() -> None:
        carrier = await now(api.sandbox())
        try:
            await Scenario(api, carrier, vectors, folder).run(document)
        finally:
            with suppress(gladhand.Error):
                await now(carrier.close())

    asyncio.run(main())

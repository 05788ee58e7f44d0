"""What never stops arriving: tenders that change, events, positions, safety. Each is an iterator and a context manager;
closing it ends the iteration and gives back what the core holds for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar, cast

from .. import models
from .._gladhand import Call, Document, EventReader, Stream
from .._gladhand import Delivery as NativeDelivery
from ._answer import answer, pulled

T = TypeVar("T")
S = TypeVar("S", bound="_Arriving")  # type: ignore[type-arg]


def _how(native: object, closed: bool) -> str:
    """What an iterator's `repr` says of it."""
    return "closed" if closed else "not opened yet" if native is None else "open"


class _Arriving(ABC, Generic[T]):
    """An iterator over what a stream of the core brings; opened by its first step, so that making one never waits."""

    def __init__(self, opening: Callable[[], Call[Stream]] | None, native: Stream | None = None) -> None:
        self._opening = opening
        self._native = native
        self._closed = False

    async def open(self: S) -> S:
        """Opens it now, for who must not miss what comes between now and the first step. Raises what its steps would."""
        if self._native is None and self._opening is not None:
            self._native = await answer(self._opening())
        if self._closed and self._native is not None:
            self._native.close()
        return self

    @abstractmethod
    def _view(self, document: Document) -> T:
        """What the application gets of what the core brought."""

    def __aiter__(self: S) -> S:
        return self

    async def __anext__(self) -> T:
        if self._native is None:
            await self.open()
        document = await pulled(cast("Stream", self._native).next())
        if document is None:
            raise StopAsyncIteration
        return self._view(document)

    async def close(self) -> None:
        """Ends the iteration, also one that waits right now."""
        self._closed = True
        if self._native is not None:
            self._native.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_how(self._native, self._closed)})"

    async def __aenter__(self: S) -> S:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class Watch(_Arriving["models.Tender"]):
    """A tender each time it changed, first as it is; ends with its last state."""

    def _view(self, document: Document) -> models.Tender:
        return models.Tender.from_document(document)


class Positions(_Arriving["models.Position"]):
    """Where loads are, as it arrives."""

    def _view(self, document: Document) -> models.Position:
        return models.Position.from_document(document)


class SafetyEvents(_Arriving["models.Event"]):
    """Safety events, at once and out of band."""

    def _view(self, document: Document) -> models.Event:
        return models.Event.from_document(document)


class SecurityEvents(_Arriving["models.SecurityEvent"]):
    """Security events, each in the shape of OCSF 1.6; open from the start."""

    def __init__(self, native: Stream) -> None:
        super().__init__(None, native)

    def _view(self, document: Document) -> models.SecurityEvent:
        return models.SecurityEvent.from_document(document)


class Delivery:
    """One event for one consumer. It is delivered again until it is acknowledged. Keeping it does not keep the consumer:
    once its iterator is gone, another one may read on."""

    __slots__ = ("_native", "event")

    def __init__(self, native: NativeDelivery) -> None:
        self._native = native
        self.event = models.Event.from_document(native.event)
        """The event, byte for byte as the carrier signed it."""

    @property
    def type(self) -> str:
        """What happened, such as `gladhand.tender.accepted.v1`."""
        return self.event.type

    @property
    def tender_id(self) -> str:
        """The tender."""
        return self.event.partitionkey

    @property
    def load_id(self) -> str:
        """The load."""
        return self.event.subject

    @property
    def sequence(self) -> int:
        """Its place in the tender's history, from 1."""
        return int(self.event.sequence)

    @property
    def data(self) -> models.StatusEvent:
        """What it says."""
        return self.event.data

    async def ack(self) -> None:
        """States that this consumer is done with it; it does not come again. Raises `consumer_leased` once another iterator
        reads for the consumer: that one has it now."""
        await answer(self._native.ack())

    def give_back(self) -> None:
        """States that you do not deal with it: the iterator's next step brings it again, and with it what came after it and
        is not acknowledged. For workers that share an iterator; leaving or closing the iterator gives back everything."""
        self._native.give_back()

    def __repr__(self) -> str:
        return f"Delivery(type={self.type!r}, tender_id={self.tender_id!r}, sequence={self.sequence})"


class Events:
    """Events for one consumer, durable, in order for each tender; waits for more when there are none."""

    def __init__(self, consumer: str, opening: Callable[[], Call[EventReader]]) -> None:
        self._consumer = consumer
        self._opening = opening
        self._native: EventReader | None = None
        self._closed = False

    async def open(self) -> Events:
        """Takes the consumer now. Raises `consumer_leased` while another process reads for it."""
        if self._native is None:
            self._native = await answer(self._opening())
        if self._closed:
            self._native.close()
        return self

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Delivery:
        if self._native is None:
            await self.open()
        native = cast("EventReader", self._native)
        found = await pulled(native.next())
        if found is None:
            raise StopAsyncIteration
        return Delivery(found)

    async def close(self) -> None:
        """Ends the iteration, also one that waits right now, and lets another process read for this consumer."""
        self._closed = True
        if self._native is not None:
            self._native.close()

    def __repr__(self) -> str:
        return f"Events(consumer={self._consumer!r}, {_how(self._native, self._closed)})"

    async def __aenter__(self) -> Events:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

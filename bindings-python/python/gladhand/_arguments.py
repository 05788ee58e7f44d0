"""What callers may pass where the core wants a document, a place, a window or a time span. Conversion only: whether a
value is allowed is the core's to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from operator import index
from typing import Any, Union, cast

from . import models
from ._document import View, encode
from ._gladhand import Document
from .vehicle import Record

DocumentLike = Union["models.Model", Document, Mapping[str, Any], str, bytes]
"""A model, a native document, a dict (decimals as `Decimal`, never float), or JSON text as it came."""
PlaceLike = Union["models.Place", Mapping[str, Any], "tuple[Number, Number]"]
"""Latitude and longitude in degrees: a pair, a dict with `lat` and `lon`, or a model."""
WindowLike = Union["models.Window", Mapping[str, Any], "tuple[datetime | str, datetime | str]"]
"""Start and end: a pair of aware datetimes or RFC 3339 texts, a dict with `start` and `end`, or a model."""
SpanLike = Union[timedelta, int, float]
"""A time span: a timedelta or seconds."""
RequesterLike = Union[str, "models.Requester", Mapping[str, str], "tuple[str, str]"]
"""Who asks: the principal alone, or principal and role as a pair, a dict or a model."""
PemLike = Union[str, bytes]
"""PEM (RFC 7468), as text or bytes."""
Column = Any
"""A one-dimensional buffer of numbers (PEP 3118): a NumPy array, `array.array`, a memoryview."""
Number = Union[Decimal, int, float, str]
"""A number that is measured, not counted: for degrees and miles a float is exact enough."""


def document(value: DocumentLike) -> Document:
    """The native document of what was passed; JSON text is taken byte for byte."""
    if isinstance(value, Document):
        return value
    if isinstance(value, View):
        return value.document
    if isinstance(value, (str, bytes)):
        return Document.parse(value)
    return Document.parse(encode(value, "document"))


def maybe_document(value: DocumentLike | None) -> Document | None:
    """`document`, where nothing may be passed."""
    return None if value is None else document(value)


def decimal(value: Number) -> Decimal:
    """A measured number; a float by its shortest decimal text."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def place(value: PlaceLike) -> models.Place:
    """A place of the contract."""
    if isinstance(value, models.Place):
        return value
    lat, lon = (value["lat"], value["lon"]) if isinstance(value, Mapping) else value
    return models.Place(lat=decimal(lat), lon=decimal(lon))


def window(value: WindowLike | None) -> models.Window | None:
    """A window of the contract."""
    if value is None or isinstance(value, models.Window):
        return value
    start, end = (value["start"], value["end"]) if isinstance(value, Mapping) else value
    return models.Window(start=start, end=end)


def milliseconds(span: SpanLike | None) -> int | None:
    """A time span in whole milliseconds."""
    if span is None:
        return None
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    return round(seconds * 1000)


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def nanoseconds(instant: datetime | int) -> int:
    """An instant in nanoseconds since 1970; ValueError for a naive datetime, which names no instant."""
    if not isinstance(instant, datetime):
        return index(instant)
    if instant.tzinfo is None:
        raise ValueError("the instant must have a time zone: a naive datetime names no instant")
    since = instant - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def record(given: Record) -> Record:
    """A record with its instant in nanoseconds and its lists as tuples."""
    instant, sensors, faults = given.observed_at, given.sensors, given.faults
    if instant == 0:
        raise ValueError("observed_at is missing: say when the record was observed")
    if type(instant) is int and type(sensors) is tuple and type(faults) is tuple:
        return given
    return given._replace(observed_at=nanoseconds(instant), sensors=tuple(sensors), faults=tuple(faults))


def columns(given: Mapping[str, Column | None]) -> list[tuple[str, str, int, bytes]]:
    """The columns that are there: name, format and size of an item, and the items."""
    return [(name, *_buffer(name, column)) for name, column in given.items() if column is not None]


def _buffer(name: str, column: Column) -> tuple[str, int, bytes]:
    if getattr(getattr(column, "dtype", None), "kind", "") == "M":
        column = column.astype("datetime64[ns]").view("int64")
    try:
        view = memoryview(column)
    except TypeError:
        kind = type(column).__name__
        raise TypeError(f"{name} must be a NumPy array or another buffer, not {kind}") from None
    if view.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {view.ndim}")
    return view.format, view.itemsize, view.tobytes()


def settings(overrides: Mapping[str, object]) -> dict[str, str]:
    """Configuration keys as keyword arguments spell them: `journal__path` is `journal.path`."""
    return {key.replace("__", "."): str(value) for key, value in overrides.items()}


def pem(value: PemLike | None) -> str | None:
    """PEM as text. What is no text is left for the core to refuse: Python's own error would carry the key."""
    if value is None:
        return None
    octets = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return octets.decode("utf-8", "replace")


def value(found: Document) -> models.Value:
    """A document of no particular kind, as a value to walk."""
    return models.Value.from_document(found)


def seconds(span: SpanLike) -> int:
    """A time span in whole seconds."""
    return round(span.total_seconds() if isinstance(span, timedelta) else span)


def asking(reason: str, requested_by: RequesterLike) -> tuple[str, str, str | None]:
    """Why something is asked for, by whom, and in which role if one was given."""
    if isinstance(requested_by, str):
        return reason, requested_by, None
    if isinstance(requested_by, models.Requester):
        return reason, requested_by.principal, requested_by.role
    if isinstance(requested_by, Mapping):
        return reason, requested_by["principal"], requested_by.get("role")
    principal, role = requested_by
    return reason, principal, role


def names(value: str | Iterable[str]) -> list[str]:
    """One name or several."""
    return [value] if isinstance(value, str) else list(value)


def headers(value: Mapping[str, str] | Iterable[tuple[Any, Any]]) -> list[tuple[str, str]]:
    """HTTP headers of any framework: a mapping, or pairs of str or (as ASGI has them) bytes."""
    pairs: Iterable[tuple[Any, Any]]
    pairs = cast("Mapping[Any, Any]", value).items() if isinstance(value, Mapping) else value
    return [(_text(name), _text(content)) for name, content in pairs]


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)

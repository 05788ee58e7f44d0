"""Views over the core's lossless document.

A view never parses JSON. It holds a native `Document` (one JSON text, kept byte for byte) and a JSON Pointer; reading asks
the core for a lexeme, setting replaces one value's bytes and no others. Views of one document share it, so
`offer.rate.amount = Decimal("1300.00")` changes the offer. The generated models are views with members: `_members`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, Union, cast

from ._gladhand import Document, quote
from ._lexemes import format_decimal, format_instant

Json = Union["View", Document, Mapping[str, Any], Sequence[Any], str, int, Decimal, datetime, None]
"""What a free member takes: a model, or a structure without floats."""


class Root:
    """The document that a family of views shares."""

    __slots__ = ("document",)

    def __init__(self, document: Document) -> None:
        self.document = document


def escape(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


class View:
    """A value inside a document."""

    __slots__ = ("_at", "_root")
    _root: Root
    _at: str

    @classmethod
    def from_document(cls: type[V], document: Document) -> V:
        """A view of the whole of a native document."""
        return view_at(cls, Root(document), "")

    @property
    def document(self) -> Document:
        """The native document of this value by itself."""
        return self._root.document if not self._at else Document.parse(self.to_json())

    def to_json(self) -> bytes:
        """The bytes, as they came or were changed."""
        if not self._at:
            return self._root.document.json().encode()
        return (self._root.document.raw(self._at) or "null").encode()

    def find(self, pointer: str) -> Value | None:
        """Any value below this one, by JSON Pointer (RFC 6901): also members that this version does not know."""
        at = self._at + pointer
        return None if self._root.document.kind(at) is None else view_at(Value, self._root, at)

    def set(self, pointer: str, value: Json) -> None:
        """Sets any value below this one, by JSON Pointer; every other byte stays."""
        self._patch(self._at + pointer, encode(value, pointer))

    def remove(self, pointer: str) -> None:
        """Removes the value at a JSON Pointer below this one, if there is one."""
        self._root.document = self._root.document.remove(self._at + pointer)

    def __reduce__(self) -> tuple[Any, ...]:
        """By its bytes: for queues, other processes and `copy`."""
        return _restore, (type(self), self.to_json())

    def _patch(self, at: str, raw: str) -> None:
        self._root.document = self._root.document.patch(at, raw)

    def __eq__(self, other: object) -> bool:
        """Equal bytes, not equal meaning: 1.0 and 1.00 differ."""
        return isinstance(other, View) and type(self) is type(other) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]


V = TypeVar("V", bound=View)


def _restore(cls: type[V], json: bytes) -> V:
    return cls.from_document(Document.parse(json))


def view_at(cls: type[V], root: Root, at: str) -> V:
    view = cls.__new__(cls)
    view._root = root  # pyright: ignore[reportPrivateUsage]
    view._at = at  # pyright: ignore[reportPrivateUsage]
    return view


class Value(View):
    """A value of any shape: extensions, addresses, and members that this version does not know."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        """object, array, string, number, boolean or null."""
        return self._root.document.kind(self._at) or "null"

    @property
    def text(self) -> str | None:
        """The string, if it is one."""
        return self._root.document.text(self._at)

    @property
    def number(self) -> Decimal | None:
        """The number, if it is one, with all its digits; `raw` is the lexeme itself."""
        lexeme = self._root.document.number(self._at)
        return None if lexeme is None else Decimal(lexeme)

    @property
    def boolean(self) -> bool | None:
        """The boolean, if it is one."""
        return self._root.document.boolean(self._at)

    @property
    def raw(self) -> str:
        """The JSON text, as it stands in the document."""
        return self._root.document.raw(self._at) or "null"

    def keys(self) -> list[str]:
        """The names of the members, in document order."""
        return list(self._root.document.keys(self._at)) if self.kind == "object" else []

    def __len__(self) -> int:
        return self._root.document.count(self._at) or 0

    def __bool__(self) -> bool:
        return self.kind != "null"

    def __getitem__(self, key: str | int) -> Value:
        found = self.find("/" + (escape(key) if isinstance(key, str) else str(key)))
        if found is None:
            raise (KeyError if isinstance(key, str) else IndexError)(key)
        return found

    def __iter__(self) -> Iterator[Value]:
        """The elements of an array; use `keys()` for an object."""
        return (self[place] for place in range(len(self) if self.kind == "array" else 0))

    def to_python(self) -> Any:
        """As dict, list, str, int, Decimal, bool or None."""
        kind = self.kind
        if kind == "object":
            return {key: self[key].to_python() for key in self.keys()}
        if kind == "array":
            return [item.to_python() for item in self]
        if kind == "number":
            lexeme = self.raw
            return int(lexeme) if lexeme.lstrip("-").isdigit() else Decimal(lexeme)
        return self.text if kind == "string" else self.boolean

    def __repr__(self) -> str:
        return f"Value({self.kind})"


def encode(value: Json, name: str) -> str:
    """A structure as JSON text. TypeError names the member for a float or anything else that JSON cannot hold exactly."""
    if value is None:
        return "null"
    if isinstance(value, View):
        return value.to_json().decode()
    if isinstance(value, Document):
        return value.json()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(str(value))
    if isinstance(value, (Decimal, int)):
        return format_decimal(value, name)
    if isinstance(value, datetime):
        return quote(format_instant(value, name))
    if isinstance(value, Mapping):
        members = cast("Mapping[object, Any]", value).items()
        return "{" + ",".join(f"{quote(str(key))}:{encode(item, f'{name}.{key}')}" for key, item in members) + "}"
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):  # pyright: ignore[reportUnnecessaryIsInstance]
        return "[" + ",".join(encode(item, f"{name}[{place}]") for place, item in enumerate(value)) + "]"
    kind = type(value).__name__
    raise TypeError(f"{name} cannot hold a {kind}{'; use Decimal' if kind == 'float' else ''}")

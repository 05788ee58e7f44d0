"""The members of models: how each kind of value is read from and written to a document, and the base of all models."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar, cast, overload

from ._document import Json, Root, Value, View, encode, escape, view_at
from ._gladhand import Document, quote
from ._lexemes import DecimalLike, InstantLike, format_decimal, format_instant, parse_instant
from .errors import Violation, make

G = TypeVar("G")
S = TypeVar("S")
M = TypeVar("M", bound="Model")


class Choice(str, enum.Enum):
    """A string of an enumeration. A value that this version does not know is kept: `known` tells."""

    @classmethod
    def _missing_(cls, value: object) -> Choice | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = "UNKNOWN"
        member._value_ = value
        return member

    @property
    def known(self) -> bool:
        """Whether this version knows the value."""
        return self._name_ != "UNKNOWN"

    def __str__(self) -> str:
        return str.__str__(self)

    def __format__(self, spec: str) -> str:
        return str.__format__(self, spec)

    # Equal to a plain string, so it must also hash like one.
    def __hash__(self) -> int:
        return str.__hash__(self)


C = TypeVar("C", bound=Choice)


class Codec(ABC, Generic[G, S]):
    """How one kind of member is read from and written to a document."""

    shown: ClassVar[bool] = True
    article: ClassVar[str] = "a value"

    @abstractmethod
    def read(self, root: Root, at: str) -> G | None:
        """The value, or None if no such value stands there."""

    @abstractmethod
    def write(self, value: S, name: str) -> str:
        """The value as JSON text. TypeError or ValueError name the member."""


class _Text(Codec[str, str]):
    shown = False
    article = "a string"

    def read(self, root: Root, at: str) -> str | None:
        return root.document.text(at)

    def write(self, value: str, name: str) -> str:
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")
        return quote(value)


class _Instant(Codec[datetime, InstantLike]):
    article = "an RFC 3339 instant"

    def read(self, root: Root, at: str) -> datetime | None:
        text = root.document.text(at)
        return None if text is None else parse_instant(text)

    def write(self, value: InstantLike, name: str) -> str:
        if isinstance(value, str):
            return quote(value)
        if not isinstance(value, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name} must be a datetime, not {type(value).__name__}")
        return quote(format_instant(value, name))


class _Integer(Codec[int, int]):
    article = "an integer"

    def read(self, root: Root, at: str) -> int | None:
        lexeme = root.document.number(at)
        return int(lexeme) if lexeme is not None and lexeme.lstrip("-").isdigit() else None

    def write(self, value: int, name: str) -> str:
        if isinstance(value, bool) or not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name} must be an int, not {type(value).__name__}")
        return str(value)


class _Decimal(Codec[Decimal, DecimalLike]):
    article = "a decimal"

    def read(self, root: Root, at: str) -> Decimal | None:
        lexeme = root.document.number(at) or root.document.text(at)
        try:
            return None if lexeme is None else Decimal(lexeme)
        except ArithmeticError:
            return None

    def write(self, value: DecimalLike, name: str) -> str:
        return format_decimal(value, name)


class _Flag(Codec[bool, bool]):
    article = "true or false"

    def read(self, root: Root, at: str) -> bool | None:
        return root.document.boolean(at)

    def write(self, value: bool, name: str) -> str:
        if not isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name} must be a bool, not {type(value).__name__}")
        return "true" if value else "false"


class _Json(Codec[Value, Json]):
    shown = False

    def read(self, root: Root, at: str) -> Value | None:
        return None if root.document.kind(at) is None else view_at(Value, root, at)

    def write(self, value: Json, name: str) -> str:
        return encode(value, name)


class ChoiceOf(Codec[C, Any]):
    """A member of an enumeration, or its text."""

    article = "a string"

    def __init__(self, cls: type[C]) -> None:
        self.cls = cls

    def read(self, root: Root, at: str) -> C | None:
        text = root.document.text(at)
        return None if text is None else self.cls(text)

    def write(self, value: C | str, name: str) -> str:
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name} must be a {self.cls.__name__}, not {type(value).__name__}")
        return quote(str(value))


class Nested(Codec[M, M]):
    """A member that is a model."""

    shown = False
    article = "an object"

    def __init__(self, cls: type[M]) -> None:
        self.cls = cls

    def read(self, root: Root, at: str) -> M | None:
        return view_at(self.cls, root, at) if root.document.kind(at) == "object" else None

    def write(self, value: M, name: str) -> str:
        if not isinstance(value, self.cls):
            raise TypeError(f"{name} must be a {self.cls.__name__}, not {type(value).__name__}")
        return value.to_json().decode()


class ListOf(Codec["tuple[G, ...]", "Iterable[S]"], Generic[G, S]):
    """A member that is an array; read as a tuple, because appending to a copy would change nothing."""

    shown = False
    article = "an array"

    def __init__(self, of: Codec[G, S]) -> None:
        self.of = of

    def read(self, root: Root, at: str) -> tuple[G, ...] | None:
        if root.document.kind(at) != "array":
            return None
        found: list[G] = []
        for place in range(root.document.count(at) or 0):
            item = self.of.read(root, f"{at}/{place}")
            if item is None:
                raise _unreadable(root, f"{at}/{place}", self.of)
            found.append(item)
        return tuple(found)

    def write(self, value: Iterable[S], name: str) -> str:
        if isinstance(value, (str, bytes, Mapping)):
            raise TypeError(f"{name} must be a list, not {type(cast(object, value)).__name__}")
        return "[" + ",".join(self.of.write(item, f"{name}[{place}]") for place, item in enumerate(value)) + "]"


TEXT = _Text()
INSTANT = _Instant()
INTEGER = _Integer()
DECIMAL = _Decimal()
FLAG = _Flag()
JSON = _Json()


def _unreadable(root: Root, at: str, codec: Codec[Any, Any]) -> Exception:
    absent = root.document.kind(at) is None
    code, message = ("required", "is required") if absent else ("type", f"must be {codec.article}")
    return make("schema_invalid", f"{at} {message}", (Violation(at, code, message),))


class Member(Generic[G, S]):
    """A member that may be absent: None when it is, and None removes it."""

    __slots__ = ("codec", "name", "wire")

    def __init__(self, wire: str, codec: Codec[G, S]) -> None:
        self.wire = wire
        self.codec = codec
        self.name = wire

    def __set_name__(self, owner: type[Model], name: str) -> None:
        self.name = f"{owner.__name__}.{name}"

    @overload
    def __get__(self, view: None, owner: type[Model]) -> Member[G, S]: ...
    @overload
    def __get__(self, view: Model, owner: type[Model]) -> G | None: ...
    def __get__(self, view: Model | None, owner: type[Model]) -> Member[G, S] | G | None:
        if view is None:
            return self
        return self.codec.read(view._root, f"{view._at}/{self.wire}")  # pyright: ignore[reportPrivateUsage]

    def __set__(self, view: Model, value: S | None) -> None:
        if value is None:
            view.remove(f"/{self.wire}")
        else:
            view._put(self.wire, self.codec.write(value, self.name))  # pyright: ignore[reportPrivateUsage]


class Required(Member[G, S]):
    """A member that the contract requires: reading it where it is absent raises `schema_invalid`."""

    __slots__ = ()

    @overload
    def __get__(self, view: None, owner: type[Model]) -> Required[G, S]: ...
    @overload
    def __get__(self, view: Model, owner: type[Model]) -> G: ...
    def __get__(self, view: Model | None, owner: type[Model]) -> Required[G, S] | G:
        if view is None:
            return self
        at = f"{view._at}/{self.wire}"  # pyright: ignore[reportPrivateUsage]
        found = self.codec.read(view._root, at)  # pyright: ignore[reportPrivateUsage]
        if found is None:
            raise _unreadable(view._root, at, self.codec)  # pyright: ignore[reportPrivateUsage]
        return found


class Model(View):
    """A document of the contract. Keyword arguments build a new one; `from_json` views one that came."""

    __slots__ = ()
    _members: ClassVar[dict[str, Member[Any, Any]]] = {}
    _entity: ClassVar[str] = ""
    """The name in the contract."""

    def __init_subclass__(cls) -> None:
        cls._entity = vars(cls).get("_entity", cls.__name__)
        cls._members = {name: member for name, member in vars(cls).items() if isinstance(member, Member)}

    def __init__(self, **members: object) -> None:
        parts: list[str] = []
        for name, value in members.items():
            if value is not None:
                member = self._members[name]
                parts.append(f"{quote(member.wire)}:{member.codec.write(value, member.name)}")
        self._root = Root(Document.parse(("{" + ",".join(parts) + "}").encode()).emitted(self._entity, "", None))
        self._at = ""

    @classmethod
    def from_json(cls: type[M], data: bytes | str) -> M:
        """A view of this JSON text, kept byte for byte. Raises `malformed_json`; `validate()` checks the contract."""
        return cls.from_document(Document.parse(data.encode() if isinstance(data, str) else data))

    def _put(self, wire: str, raw: str) -> None:
        changed = self._root.document.patch(f"{self._at}/{wire}", raw)
        self._root.document = changed.emitted(self._entity, self._at, wire)

    def validate(self: M) -> M:
        """Checks the document against the contract and returns it. Raises `ValidationError` with the violations."""
        self.document.validate(self._entity)
        return self

    def copy(self: M) -> M:
        """The same bytes as a document of its own."""
        return type(self).from_document(self.document)

    def raw(self, member: str) -> str | None:
        """The JSON text of a member (by its name here), as it stands in the document: `1250.00` keeps its zeros."""
        known = self._members.get(member)
        wire = known.wire if known else escape(member)
        return self._root.document.raw(f"{self._at}/{wire}")

    def keys(self) -> list[str]:
        """The wire names of the members that are present, also those that this version does not know."""
        return list(self._root.document.keys(self._at))

    def to_dict(self) -> dict[str, Any]:
        """As a dict by wire names, numbers as int and Decimal. For reading and logging; `to_json()` gives the bytes."""
        return cast("dict[str, Any]", view_at(Value, self._root, self._at).to_python())

    def __repr__(self) -> str:
        """Identifiers, states, numbers and times; never free text, which may be personal data."""
        shown: list[str] = []
        for name, member in self._members.items():
            if not (member.codec.shown or member.wire.endswith("Id")):
                continue
            found = member.codec.read(self._root, f"{self._at}/{member.wire}")
            if found is not None:
                shown.append(f"{name}={str(found) if isinstance(found, (datetime, Decimal)) else _plain(found)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _plain(value: object) -> str:
    return repr(str(value)) if isinstance(value, str) else repr(value)

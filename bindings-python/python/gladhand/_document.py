"""What the generated models stand on: typed views over the core's lossless document.

A model never parses JSON. It holds a native `Document` (one JSON text, kept byte for byte) and a JSON Pointer; reading a
member asks the core for that member's lexeme, setting one replaces that member's bytes and no others. Views of one
document share it, so `offer.rate.amount = Decimal("1300.00")` changes the offer.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar, Union, cast, overload

from ._gladhand import Document, quote
from .errors import Violation, make

G = TypeVar("G")
S = TypeVar("S")
M = TypeVar("M", bound="Model")

DecimalLike = Union[Decimal, int, str]
"""What a decimal member takes. Never a float: 0.1 is not a decimal."""
InstantLike = Union[datetime, str]
"""What an instant member takes: an aware datetime, or RFC 3339 text that is kept as it is."""
Json = Union["Model", "Value", Document, Mapping[str, Any], Sequence[Any], str, int, Decimal, datetime, None]
"""What a free member takes: a model, or a structure without floats."""


class _Root:
    """The document that a family of views shares."""

    __slots__ = ("document",)

    def __init__(self, document: Document) -> None:
        self.document = document


def _escape(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


class View:
    """A value inside a document."""

    __slots__ = ("_at", "_root")
    _root: _Root
    _at: str

    @classmethod
    def from_document(cls: type[V], document: Document) -> V:
        """A view of the whole of a native document."""
        return _view(cls, _Root(document), "")

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
        return None if self._root.document.kind(at) is None else _view(Value, self._root, at)

    def set(self, pointer: str, value: Json) -> None:
        """Sets any value below this one, by JSON Pointer; every other byte stays."""
        self._patch(self._at + pointer, encode(value, pointer))

    def remove(self, pointer: str) -> None:
        """Removes the value at a JSON Pointer below this one, if there is one."""
        self._root.document = self._root.document.remove(self._at + pointer)

    def _patch(self, at: str, raw: str) -> None:
        self._root.document = self._root.document.patch(at, raw)

    def __eq__(self, other: object) -> bool:
        """Equal bytes, not equal meaning: 1.0 and 1.00 differ."""
        return isinstance(other, View) and type(self) is type(other) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]


V = TypeVar("V", bound=View)


def _view(cls: type[V], root: _Root, at: str) -> V:
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
        found = self.find("/" + (_escape(key) if isinstance(key, str) else str(key)))
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


class Codec(Generic[G, S]):
    """How one kind of member is read from and written to a document."""

    shown: ClassVar[bool] = True
    article: ClassVar[str] = "a value"

    def read(self, root: _Root, at: str) -> G | None:
        """The value, or None if no such value stands there."""
        raise NotImplementedError

    def write(self, value: S, name: str) -> str:
        """The value as JSON text. TypeError or ValueError name the member."""
        raise NotImplementedError


class _Text(Codec[str, str]):
    shown = False
    article = "a string"

    def read(self, root: _Root, at: str) -> str | None:
        return root.document.text(at)

    def write(self, value: str, name: str) -> str:
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")
        return quote(value)


class _Instant(Codec[datetime, InstantLike]):
    article = "an RFC 3339 instant"

    def read(self, root: _Root, at: str) -> datetime | None:
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

    def read(self, root: _Root, at: str) -> int | None:
        lexeme = root.document.number(at)
        return int(lexeme) if lexeme is not None and lexeme.lstrip("-").isdigit() else None

    def write(self, value: int, name: str) -> str:
        if isinstance(value, bool) or not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name} must be an int, not {type(value).__name__}")
        return str(value)


class _Decimal(Codec[Decimal, DecimalLike]):
    article = "a decimal"

    def read(self, root: _Root, at: str) -> Decimal | None:
        lexeme = root.document.number(at) or root.document.text(at)
        try:
            return None if lexeme is None else Decimal(lexeme)
        except ArithmeticError:
            return None

    def write(self, value: DecimalLike, name: str) -> str:
        if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):  # pyright: ignore[reportUnnecessaryIsInstance]
            hint = "; a float is not exact" if type(value) is float else ""
            raise TypeError(f"{name} must be a Decimal, not {type(value).__name__}{hint}")
        try:
            number = Decimal(value)
        except ArithmeticError:
            raise ValueError(f"{name} must be a decimal number") from None
        if not number.is_finite():
            raise ValueError(f"{name} must be a finite number")
        return format(number, "f")


class _Flag(Codec[bool, bool]):
    article = "true or false"

    def read(self, root: _Root, at: str) -> bool | None:
        return root.document.boolean(at)

    def write(self, value: bool, name: str) -> str:
        if not isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name} must be a bool, not {type(value).__name__}")
        return "true" if value else "false"


class _Json(Codec[Value, Json]):
    shown = False

    def read(self, root: _Root, at: str) -> Value | None:
        return None if root.document.kind(at) is None else _view(Value, root, at)

    def write(self, value: Json, name: str) -> str:
        return encode(value, name)


class ChoiceOf(Codec[C, Union[C, str]]):
    """A member of an enumeration."""

    article = "a string"

    def __init__(self, cls: type[C]) -> None:
        self.cls = cls

    def read(self, root: _Root, at: str) -> C | None:
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

    def read(self, root: _Root, at: str) -> M | None:
        return _view(self.cls, root, at) if root.document.kind(at) == "object" else None

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

    def read(self, root: _Root, at: str) -> tuple[G, ...] | None:
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


def _unreadable(root: _Root, at: str, codec: Codec[Any, Any]) -> Exception:
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
            view._patch(f"{view._at}/{self.wire}", self.codec.write(value, self.name))  # pyright: ignore[reportPrivateUsage]


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
        self._root = _Root(Document.parse(("{" + ",".join(parts) + "}").encode()))
        self._at = ""

    @classmethod
    def from_json(cls: type[M], data: bytes | str) -> M:
        """A view of this JSON text, kept byte for byte. Raises `malformed_json`; `validate()` checks the contract."""
        return cls.from_document(Document.parse(data.encode() if isinstance(data, str) else data))

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
        wire = known.wire if known else _escape(member)
        return self._root.document.raw(f"{self._at}/{wire}")

    def keys(self) -> list[str]:
        """The wire names of the members that are present, also those that this version does not know."""
        return list(self._root.document.keys(self._at))

    def to_dict(self) -> dict[str, Any]:
        """As a dict by wire names, numbers as int and Decimal. For reading and logging; `to_json()` gives the bytes."""
        return cast("dict[str, Any]", _view(Value, self._root, self._at).to_python())

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
        return DECIMAL.write(value, name)
    if isinstance(value, datetime):
        return INSTANT.write(value, name)
    if isinstance(value, Mapping):
        members = cast("Mapping[object, Any]", value).items()
        return "{" + ",".join(f"{quote(str(key))}:{encode(item, f'{name}.{key}')}" for key, item in members) + "}"
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):  # pyright: ignore[reportUnnecessaryIsInstance]
        return "[" + ",".join(encode(item, f"{name}[{place}]") for place, item in enumerate(value)) + "]"
    hint = "; use Decimal" if isinstance(value, float) else ""
    raise TypeError(f"{name} cannot hold a {type(value).__name__}{hint}")


def parse_instant(text: str) -> datetime | None:
    """RFC 3339 to an aware datetime; None if it is not one."""
    head, zone = (text[:-1], "+00:00") if text[-1:] in "Zz" else (text[:-6], text[-6:])
    whole, point, fraction = head.partition(".")
    try:
        return datetime.fromisoformat(whole + (f".{fraction:0<6}" if point else "") + zone)
    except ValueError:
        return None


def format_instant(value: datetime, name: str = "the instant") -> str:
    """An aware datetime as RFC 3339, UTC as Z. ValueError for a naive one: the SDK never infers an offset."""
    offset = value.utcoffset()
    if offset is None:
        raise ValueError(f"{name} must have a time zone: a naive datetime names no instant")
    if offset % timedelta(minutes=1):
        raise ValueError(f"{name} must have an offset of whole minutes")
    if offset == timedelta(0):
        return value.astimezone(timezone.utc).replace(tzinfo=None).isoformat() + "Z"
    return value.isoformat()

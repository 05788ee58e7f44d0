"""Python values as the text that stands in a document, and back: decimals with all their digits, instants with an offset."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Union

DecimalLike = Union[Decimal, int, str]
"""What a decimal member takes. Never a float: 0.1 is not a decimal."""
InstantLike = Union[datetime, str]
"""What an instant member takes: an aware datetime, or RFC 3339 text that is kept as it is."""


def format_decimal(value: DecimalLike, name: str) -> str:
    """A decimal's digits, without an exponent. TypeError for a float or a bool, ValueError for what is no number."""
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

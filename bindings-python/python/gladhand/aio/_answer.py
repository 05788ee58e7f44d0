"""How this half of the package gets the core's answers: by awaiting them."""

from __future__ import annotations

from typing import TypeVar

from .._gladhand import Call

T = TypeVar("T")


async def answer(call: Call[T]) -> T:
    """The answer of a call to the core. Cancelling the await cancels the call; it never withdraws a tender."""
    return await call


async def pulled(call: Call[T]) -> T:
    """The answer of a pull. If it does not reach its caller, the next pull brings it."""
    try:
        return await call
    except BaseException:
        call.abandon()
        raise

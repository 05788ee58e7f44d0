"""How this half of the package gets the core's answers: by waiting for them, with Ctrl-C at work and other threads running."""

from __future__ import annotations

from typing import TypeVar

from .._gladhand import Call

T = TypeVar("T")


def answer(call: Call[T]) -> T:
    """The answer of a call to the core."""
    return call.wait()


def pulled(call: Call[T]) -> T:
    """The answer of a pull. If it does not reach its caller, the next pull brings it."""
    try:
        return call.wait()
    except BaseException:
        call.abandon()
        raise

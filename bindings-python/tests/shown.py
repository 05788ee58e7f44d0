"""All that Python shows of a value and of what hangs on it: what a debugger, a logger and a crash reporter would print."""

from __future__ import annotations

import logging
import os
import pickle
import pprint
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType

import gladhand

PACKAGE = str(Path(gladhand.__file__).parent)
OPAQUE = (type, ModuleType, FunctionType, BuiltinFunctionType, int, float, bool, type(None))
SHORTEST = 12


def shown(*values: object) -> str:
    """Everything that can be seen of these values."""
    parts: list[str] = []
    known: dict[int, object] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if id(value) in known or isinstance(value, OPAQUE):
            continue
        known[id(value)] = value
        parts += [repr(value), str(value), f"{value}", f"{value!a}", pprint.pformat(value)]
        with suppress(Exception):
            parts.append(repr(pickle.dumps(value)))
        if isinstance(value, BaseException):
            parts += raised(value)
        waiting += below(value)
    return "\n".join(parts)


def below(value: object) -> Iterable[object]:
    """What hangs on a value: attributes, slots, items, causes."""
    found = list(getattr(value, "__dict__", {}).values())
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            with suppress(AttributeError):
                found.append(getattr(value, name))
    if isinstance(value, Mapping):
        found += [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        found += value
    if isinstance(value, BaseException):
        found += [value.__cause__, value.__context__, value.args]
    return found


def raised(error: BaseException) -> list[str]:
    """What is printed of an error: its traceback, the variables of the package's frames, the line of a logger."""
    parts = traceback.format_exception(error)
    frame = error.__traceback__
    while frame:
        if frame.tb_frame.f_code.co_filename.startswith(PACKAGE):
            parts += [repr(local) for local in frame.tb_frame.f_locals.values()]
        frame = frame.tb_next
    record = logging.LogRecord("gladhand", logging.ERROR, "", 0, "%s", (error,), (type(error), error, None))
    parts.append(logging.Formatter().format(record))
    return parts


def leaks(text: str, *canaries: str) -> list[str]:
    """Which secrets are in the text, by kind, so that a failure does not repeat them: those that the carriers of this run
    issued or saw (as `GLADHAND_CANARIES` has them), and `canaries`."""
    known = [("canary", canary) for canary in canaries]
    for line in Path(os.environ["GLADHAND_CANARIES"]).read_text().splitlines():
        kind, _, secret = line.partition(" ")
        known.append((kind, secret))
    return sorted({kind for kind, secret in known if len(secret) >= SHORTEST and secret in text})

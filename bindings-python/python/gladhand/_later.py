"""`gladhand.models`, imported, but executed when something is first asked of it: that takes as long as all the rest."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """A module of which nothing is known yet. Threads that ask at the same time wait for the one that executes it."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__"):
            self._execute()
            if name in vars(self):
                return vars(self)[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        self._execute()
        return sorted(vars(self))

    def _execute(self) -> None:
        with _lock:
            if self.__name__ in _waiting:
                _waiting.remove(self.__name__)
                spec = self.__spec__
                assert spec is not None
                assert spec.loader is not None
                spec.loader.exec_module(self)


_lock = threading.RLock()
_waiting: set[str] = set()

if hasattr(os, "register_at_fork"):
    # A child has the thread that forks alone: no other one must be half way.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def _later(name: str) -> None:
    """Imports a module without executing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or name in sys.modules:
        return
    module = _Later(name)
    module.__spec__, module.__file__, module.__package__ = spec, spec.origin, spec.parent
    module.__loader__ = spec.loader
    _waiting.add(name)
    sys.modules[name] = module


_later(f"{__package__}.models")

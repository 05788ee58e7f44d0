"""Prints what the installed package offers, as JSON: each class with its operations, their parameters and what docs say.

{"Tenders": {"withdraw": {"parameters": {"tender_id": null, "reason": null}, "doc": "…"}}}; an optional parameter has its
default, as Python writes it, in place of null. It asks the package itself: run it where the wheel is installed.
"""

from __future__ import annotations

import inspect
import json
import sys
from types import FunctionType
from typing import Any

import gladhand.aio
import gladhand.contract
from gladhand.aio import _client


def operation(function: Any) -> dict[str, Any]:
    """Parameters and docs of a function."""
    parameters = [of for of in inspect.signature(function).parameters.values() if of.name != "self"]
    return {
        "parameters": {of.name: None if of.default is of.empty else repr(of.default) for of in parameters},
        "doc": inspect.getdoc(function) or "",
    }


def operations(holder: type | Any) -> dict[str, Any]:
    """The public functions of a class or module."""
    own = [(name, of) for name, of in vars(holder).items() if isinstance(of, FunctionType) and not name.startswith("_")]
    module = getattr(holder, "__module__", getattr(holder, "__name__", ""))
    return {name: operation(of) for name, of in own if of.__module__ == module}


def main() -> None:
    """Prints everything."""
    rooms = ["Capacity", "Dispatches", "Documents", "Identity", "Inbox", "Journal", "Reconcile", "Telemetry"]
    rooms += ["Tenders", "Webhooks"]
    holders: dict[str, Any] = {"Client": gladhand.aio.Client, "Gateway": gladhand.aio.Gateway}
    holders |= {name: getattr(_client, name) for name in rooms}
    manifest = {name: operations(holder) for name, holder in holders.items()}
    manifest["Contract"] = operations(gladhand.contract)
    json.dump(manifest, sys.stdout)


if __name__ == "__main__":
    main()

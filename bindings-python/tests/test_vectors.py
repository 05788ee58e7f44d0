"""The documents of `conformance/vectors`: the same cases as in Rust, Node and Swift, through the typed models."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import gladhand
from gladhand import models

FOLDER = Path(os.environ.get("GLADHAND_VECTORS", Path(__file__).parents[2] / "conformance" / "vectors")) / "documents"
VECTORS: list[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text("utf-8"))["vectors"]
VALID = [vector for vector in VECTORS if "error" not in vector]
BROKEN = [vector for vector in VECTORS if "error" in vector]
VERSIONS: list[dict[str, Any]] = json.loads((FOLDER / "versions.json").read_text("utf-8"))["vectors"]
CHANGES = [(vector, change) for vector in VALID for change in vector.get("changes", [])]

READ: dict[str, Callable[[Any], object]] = {
    "text": str,
    "choice": str,
    "instant": lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")),
    "decimal": Decimal,
    "integer": int,
    "flag": bool,
}


def model(entity: str) -> type[models.Model]:
    """The class of an entity."""
    found: type[models.Model] = getattr(models, "TenderException" if entity == "Exception" else entity)
    return found


def name_of(view: models.Model, wire: str) -> str:
    """The Python name of a member."""
    return next(name for name, member in type(view)._members.items() if member.wire == wire)


def bytes_of(vector: dict[str, Any]) -> bytes:
    """The file of a vector, or its base with the edits."""
    text: bytes = (FOLDER / (vector.get("base") or vector["file"])).read_bytes()
    for change in vector.get("edit", []):
        old, new = change["from"].encode(), (change["to"] * change.get("times", 1)).encode()
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def test_there_are_vectors() -> None:
    assert len(VALID) >= 40
    assert len(BROKEN) >= 80
    assert len(CHANGES) >= 20
    assert len(VERSIONS) == 2 * len(VALID)


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector["id"])
def test_a_valid_document_comes_back_byte_for_byte(vector: dict[str, Any]) -> None:
    text = (FOLDER / vector["file"]).read_bytes()
    assert model(vector["entity"]).from_json(text).validate().to_json() == text


@pytest.mark.parametrize(("vector", "change"), CHANGES, ids=[f"{v['id']}{c['pointer']}" for v, c in CHANGES])
def test_a_change_gives_exactly_these_bytes(vector: dict[str, Any], change: dict[str, Any]) -> None:
    document = model(vector["entity"]).from_json((FOLDER / vector["file"]).read_bytes())
    *path, last = change["pointer"].split("/")[1:]
    view: Any = document
    for token in path:
        view = view[int(token)] if isinstance(view, tuple) else getattr(view, name_of(view, token))
    ((kind, value),) = change["set"].items()
    setattr(view, name_of(view, last), READ[kind](value))
    assert document.to_json() == base64.b64decode(change["expected"])


@pytest.mark.parametrize("vector", VERSIONS, ids=lambda vector: vector["id"])
def test_the_versions_beside_this_one_are_valid_too(vector: dict[str, Any]) -> None:
    text = vector["text"].encode()
    assert model(vector["entity"]).from_json(text).validate().to_json() == text


@pytest.mark.parametrize("vector", BROKEN, ids=lambda vector: vector["id"])
def test_a_broken_document_is_refused(vector: dict[str, Any]) -> None:
    text = bytes_of(vector)
    with pytest.raises(gladhand.Error) as caught:
        model(vector["entity"]).from_json(text).validate()
    assert caught.value.code == vector["error"]
    violations = [{"path": violation.path, "code": violation.code} for violation in caught.value.violations]
    assert violations == vector.get("violations", [])

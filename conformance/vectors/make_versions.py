#!/usr/bin/env python3
"""Writes documents/versions.json: every valid document as the versions beside this one would write it (contract 5).

Shares no code with the SDK; it knows the documents by the published JSON Schema alone. Run it after a change of a valid
document or of the schema, and compare with git.

* `next`: the next minor version, which says more: a member that nobody knows in every object of the contract, values that
  nobody knows in every open enumeration, an event type that nobody knows.
* `previous`: the minor version before, which said less: no member that is not required, except where a rule of the
  contract needs it.
"""

import hashlib
import json
import pathlib
from typing import Any

HERE = pathlib.Path(__file__).parent
SCHEMAS = {path.stem: json.loads(path.read_text("utf-8")) for path in HERE.parent.glob("contract/schema/*.json")}

# Optional in the schema, needed by a rule of the contract.
KEPT = {
    "LoadTender": {"mustUnderstand", "synthetic"},
    "Location": {"lat", "lon"},
    "Reference": {"scope"},
    "Rate": {"linehaul", "fuelSurcharge", "accessorials"},
    "FuelSurcharge": {"value", "amount"},
    "RouteSegment": {"segmentId", "gapAllowed"},
    "TenderDecision": {"reasonCode", "counter"},
    "Corridor": {"polyline5", "geoJson"},
    "Command": {"params", "leaseS"},
    "CommandParams": {
        "condition",
        "stopId",
        "exceptionKind",
        "latestBy",
        "commandRef",
        "kind",
        "detourId",
        "newSegments",
        "appointment",
    },
}
# Values that decide which rules hold: a document keeps those that this version knows.
DECISIVE = {
    ("Party", "role"),
    ("FuelSurcharge", "method"),
    ("OperationalConstraints", "weightBasis"),
    ("RouteSegment", "driveMode"),
    ("Assignment", "driveMode"),
    ("WebhookSubscription", "mtls"),
    # Part of what a reference is unique by.
    ("Reference", "type"),
}


class Number(str):
    """A number as it stands in the document."""


def reference(schema: dict[str, Any]) -> str | None:
    """The entity that a schema refers to."""
    return schema["$ref"].removesuffix(".json") if "$ref" in schema else None


def write(value: Any) -> str:
    """Compact JSON in which every number keeps its digits."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{write(inner)}" for key, inner in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def walk(value: Any, schema: dict[str, Any], change: Any) -> Any:
    """Changes every object of the contract, the inner ones first."""
    if isinstance(value, list):
        return [walk(item, schema.get("items", {}), change) for item in value]
    entity = reference(schema)
    if not isinstance(value, dict) or entity is None:
        return value
    known = SCHEMAS[entity]["properties"]
    inner = {key: walk(item, known.get(key, {}), change) for key, item in value.items()}
    return change(entity, inner, SCHEMAS[entity])


def say_more(entity: str, value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The next minor version: unknown members and values."""
    for key, described in schema["properties"].items():
        if key in value and "x-extensible-enum" in described and (entity, key) not in DECISIVE:
            value[key] = "from_the_next_version"
    if entity == "Event":
        value["type"] = "gladhand.shipment.from_the_next_version.v1"
    unknown = {"price": Number("1250.00"), "big": Number("12345678901234567890123"), "none": None}
    return {"aheadOfItsTime": unknown, **value, "näch/st~e": []}


def say_less(entity: str, value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The minor version before: what is required, and no more."""
    kept = set(schema.get("required", [])) | KEPT.get(entity, set())
    return {key: inner for key, inner in value.items() if key in kept}


def main() -> None:
    """Writes the file."""
    out = []
    for vector in json.loads((HERE / "documents/index.json").read_text("utf-8"))["vectors"]:
        if "error" in vector:
            continue
        raw = (HERE / "documents" / vector["file"]).read_bytes()
        for version, change in (("next", say_more), ("previous", say_less)):
            value = json.loads(raw, parse_int=Number, parse_float=Number)
            text = write(walk(value, {"$ref": f"{vector['entity']}.json"}, change))
            out.append(
                {
                    "id": f"{vector['id']}-{version}",
                    "version": version,
                    "entity": vector["entity"],
                    "of": vector["file"],
                    "sha256": hashlib.sha256(raw).hexdigest(),
                    "text": text,
                }
            )
    about = (
        "Every valid document of index.json as the minor versions beside this one would write it: each is valid, and "
        "comes back byte for byte. Made by make_versions.py from the documents and the published schema."
    )
    path = HERE / "documents/versions.json"
    path.write_text(json.dumps({"about": about, "vectors": out}, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes derivation.json: what the contract derives from names and bytes, computed from its words alone.

Shares no code with the SDK. Needs `pip install cryptography` for the signatures. Run it, and compare with git.

* tenderId (contract 3a): "t-" + base64url(SHA-256(lp(env) lp(tenant) lp(carrier) lp(loadId) lp(attempt)))[..22]
* Idempotency-Key (4c): base64url(SHA-256("gladhand/1" lp(env) lp(tenant) lp(carrier) lp(operation) lp(operationId)))[..43]
* historyDigest (4e): h0 = SHA-256(tenderId); hn = SHA-256(h(n-1) || u64be(n) || SHA-256(event bytes)); hexadecimal
* webhook-signature (4e; Standard Webhooks): "v1a," + base64(ed25519("{id}.{timestamp}.{body}"))

lp(x) is the UTF-8 of x after its length as a big-endian u32. base64url has no padding.
"""

import base64
import hashlib
import json
import pathlib
import struct

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def lp(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">I", len(data)) + data


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def tender_id(environment: str, tenant: str, carrier: str, load_id: str, attempt: int) -> str:
    parts = (environment, tenant, carrier, load_id, str(attempt))
    return "t-" + b64url(hashlib.sha256(b"".join(map(lp, parts))).digest())[:22]


def key(environment: str, tenant: str, carrier: str, operation: str, operation_id: str) -> str:
    parts = (environment, tenant, carrier, operation, operation_id)
    return b64url(hashlib.sha256(b"gladhand/1" + b"".join(map(lp, parts))).digest())[:43]


def history(tender: str, events: list[str]) -> list[str]:
    digest = hashlib.sha256(tender.encode()).digest()
    out = [digest.hex()]
    for number, event in enumerate(events, start=1):
        digest = hashlib.sha256(digest + struct.pack(">Q", number) + hashlib.sha256(event.encode()).digest()).digest()
        out.append(digest.hex())
    return out


def webhook(seed: bytes, message_id: str, timestamp: int, body: str) -> dict[str, object]:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return {
        "seed": seed.hex(),
        "publicKey": "whpk_" + base64.b64encode(public).decode(),
        "id": message_id,
        "timestamp": timestamp,
        "body": body,
        "signature": "v1a," + base64.b64encode(private.sign(signed)).decode(),
    }


def signature_cases() -> list[dict[str, object]]:
    """Messages as they arrive: which key we know, what the clock says, and what must come of it."""
    event = '{"specversion":"1.0","id":"evt-1","amount":1250.00,"note":"Zoë"}'
    sent = 1771594212
    old, new, foreign = (hashlib.sha256(name).digest() for name in (b"old key", b"new key", b"foreign key"))
    signed = {seed: webhook(seed, "evt-1", sent, event) for seed in (old, new, foreign)}
    by = {seed: str(case["signature"]) for seed, case in signed.items()}
    known = {seed: str(case["publicKey"]) for seed, case in signed.items()}
    symmetric = base64.b64encode(hashlib.sha256(b"not the secret").digest()).decode()

    def case(title: str, signature: str, outcome: str, **other: object) -> dict[str, object]:
        headers = {"webhook-id": "evt-1", "webhook-timestamp": str(sent), "webhook-signature": signature}
        headers |= other.pop("headers", {})
        return {"title": title, "keys": [known[old]], "headers": headers, "body": event, "now": sent, "outcome": outcome} | other

    missing, invalid, skew = "webhook_signature_missing", "webhook_signature_invalid", "clock_skew"
    return [
        case("The known key", by[old], "evt-1"),
        case("A rotation: signed with both, the old one known", f"{by[new]} {by[old]}", "evt-1"),
        case("A rotation: signed with both, the new one known", f"{by[old]} {by[new]}", "evt-1", keys=[known[new]]),
        case("A rotation: signed with the new one, both known", by[new], "evt-1", keys=[known[old], known[new]]),
        case("A rotation that is over: signed with the old key", by[old], invalid, keys=[known[new]]),
        case("The key of somebody else", by[foreign], invalid),
        case("The same JSON, written by another program", by[old], invalid, body=event.replace("1250.00", "1250.0")),
        case("The same JSON with white space", by[old], invalid, body=event.replace(":", ": ")),
        case("The same JSON with an escape for a letter", by[old], invalid, body=event.replace("ë", "\\u00eb")),
        case("Another id", by[old], invalid, headers={"webhook-id": "evt-2"}),
        case("Another time", by[old], invalid, headers={"webhook-timestamp": str(sent + 1)}),
        case("A time that is none", by[old], missing, headers={"webhook-timestamp": "+1771594212"}),
        case("No id", by[old], missing, headers={"webhook-id": ""}),
        case("A symmetric signature alone", f"v1,{symmetric}", missing),
        case("A symmetric signature beside the good one", f"v1,{symmetric} {by[old]}", "evt-1"),
        case("A signature without its version", by[old].removeprefix("v1a,"), missing),
        case("A signature that is cut short", by[old][:-4], invalid),
        case("300 seconds late", by[old], "evt-1", now=sent + 300),
        case("300 seconds early", by[old], "evt-1", now=sent - 300),
        case("301 seconds late", by[old], skew, now=sent + 301),
        case("Six minutes early", by[old], skew, now=sent - 360),
        case("Late, and the key of somebody else", by[foreign], invalid, now=sent + 301),
        case("No key at all", by[old], invalid, keys=[]),
    ]


TENDERS = [
    ("sandbox", "acme", "aurora", "L-1", 1),
    ("sandbox", "acme", "aurora", "L-1", 2),
    ("production", "acme", "aurora", "L-1", 1),
    # Without lengths these two would collide.
    ("sandbox", "acme", "auroraL", "-1", 1),
    ("sandbox", "acmea", "urora", "L-1", 1),
    ("sandbox", "acme", "aurora", "load.2026:02-20_17", 10),
    ("sandbox", "Spedition-Müller", "aurora", "L-1", 1),
]

KEYS = [
    ("sandbox", "acme", "aurora", "tenders.create", tender_id("sandbox", "acme", "aurora", "L-1", 1) + "/1"),
    ("sandbox", "acme", "aurora", "tenders.create", tender_id("sandbox", "acme", "aurora", "L-1", 1) + "/2"),
    ("sandbox", "acme", "aurora", "tenders.withdraw", "w-1"),
    ("sandbox", "acme", "aurora", "commands.request", "cmd-0001"),
    ("sandbox", "acme", "aurora", "webhooks.put", "sub-1"),
    ("production", "acme", "kodiak", "tenders.create", "t-0/1"),
]

EVENTS = [
    '{"specversion":"1.0","id":"e1","type":"gladhand.tender.received.v1"}',
    '{"specversion":"1.0","id":"e2","type":"gladhand.tender.accepted.v1","rate":1250.00}',
    # One space more is another history.
    '{"specversion":"1.0", "id":"e3","note":"Zoë"}',
]


def main() -> None:
    seed = hashlib.sha256(b"gladhand vector key").digest()
    names = ("environment", "tenant", "carrier")
    document = {
        "tenderIds": [
            dict(zip((*names, "loadId", "attempt"), case, strict=True), tenderId=tender_id(*case)) for case in TENDERS
        ],
        "idempotencyKeys": [
            dict(zip((*names, "operation", "operationId"), case, strict=True), key=key(*case)) for case in KEYS
        ],
        "histories": [
            {"tenderId": tender, "events": events, "digests": history(tender, events)}
            for tender, events in (("t-Dallas-Houston-0001", EVENTS), ("t-Dallas-Houston-0001", []), ("t-2", EVENTS[:1]))
        ],
        "webhooks": [
            webhook(seed, "evt-1", 1771594212, EVENTS[1]),
            webhook(seed, "evt-2", 1771594213, EVENTS[2]),
            webhook(hashlib.sha256(b"another key").digest(), "evt-1", 1771594212, ""),
        ],
        "signatures": signature_cases(),
    }
    path = pathlib.Path(__file__).with_name("derivation.json")
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Webhooks in the real web frameworks, as the README has them: the carrier makes its handshake and posts out of order, twice
and with a byte changed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPMessage
from urllib.parse import urlsplit

import pytest

import frameworks
import gladhand


def answered(port: int, method: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, str, HTTPMessage]:
    """Status, `code` and header fields of an answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, "/webhooks/aurora", body, dict(headers))
        answer = connection.getresponse()
        text = answer.read()
        problem = answer.headers["Content-Type"] == "application/problem+json"
        return answer.status, json.loads(text)["code"] if problem else "", answer.headers
    finally:
        connection.close()


@pytest.mark.parametrize("framework", ["fastapi", "django", "flask"])
def test_a_framework_takes_a_carriers_webhooks(
    framework: str, carrier: gladhand.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLADHAND_CONFIG", str(carrier.config_path))
    with getattr(frameworks, framework)() as port, carrier.connect() as gh:
        url = f"http://127.0.0.1:{port}/webhooks/aurora"
        asked = {"carrier": "aurora", "subscription_id": "tms"}
        gh.webhooks.subscribe(**asked, url=url, mtls="signature_only")
        assert gh.webhooks.get(**asked).url == url
        gh.tenders.create(carrier.load("load-1"), carrier="aurora", wait=20)
        for _ in range(300):
            if carrier.control("/state")["subscriptions"][0]["verified"].boolean:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("the handshake failed")
        carrier.control("/webhooks", {"mode": "hold"})
        tender = gh.tenders.create(carrier.load("load-2"), carrier="aurora", wait=20)

        def posted(**how: object) -> list[object]:
            told = carrier.control("/webhooks/release", {"tenderId": tender.tender_id, **how})
            return [delivery["status"].to_python() for delivery in told["deliveries"]]

        assert posted(order=[2], tamper=True) == [401]
        assert posted(order=[2, 1], duplicate=1) == [202] * 4
        sources = [str(e.body["source"].to_python()) for e in gh.journal.export() if e.kind == "EVENT_IN"]
        assert [source.endswith(tender.tender_id) for source in sources].count(True) == 2
        assert gh.reconcile.run().differences == 0
        gh.webhooks.delete(**asked)

        # What is no carrier's.
        host = urlsplit(carrier.url).netloc
        status, _, fields = answered(port, "OPTIONS", {"WebHook-Request-Origin": host})
        assert (status, fields["WebHook-Allowed-Origin"]) == (200, host)
        foreign = {"WebHook-Request-Origin": "elsewhere.example"}
        assert answered(port, "OPTIONS", foreign)[:2] == (403, "webhook_source_foreign")
        assert answered(port, "OPTIONS", {})[:2] == (400, "schema_invalid")
        events = {"Content-Type": "application/cloudevents+json"}
        assert answered(port, "POST", events, b"{}")[:2] == (401, "webhook_signature_missing")
        assert answered(port, "POST", events, b" " * (256 * 1024 + 1))[:2] == (413, "too_large")
        assert answered(port, "DELETE", {})[0] == 405

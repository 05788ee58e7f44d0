"""One dispatcher's morning through the public API: from the first look at capacity to the proof that both sides hold the same
history. `cargo xtask demo` starts the carrier and this program, and shows what it prints.

Each step prints one line, `STEP ok <title> — <detail>`; a step that fails prints `STEP FAIL` and why, and the morning goes on
as far as it can.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import control
import gladhand
from gladhand import models
from webhooks import receiver

CHICAGO, LOS_ANGELES = (41.8781, -87.6298), (34.0522, -118.2437)
CARRIER = "aurora"
PATIENCE_S = 30
SETTLE_S = 1
failed = 0


def step(title: str, play: Callable[[], str]) -> None:
    """Plays one step and prints its line."""
    global failed  # noqa: PLW0603
    try:
        print(f"STEP ok {title} — {play()}", flush=True)
    except Exception as error:  # the demo reports whatever goes wrong, and goes on
        failed += 1
        print(f"STEP FAIL {title} — {type(error).__name__}: {error}".replace("\n", " "), flush=True)


def expect(condition: object, otherwise: str) -> None:
    """Fails the step unless the condition holds."""
    if not condition:
        raise AssertionError(otherwise)


class Morning:
    """What the dispatcher has in front of her."""

    def __init__(self, gh: gladhand.Client) -> None:
        self.gh = gh
        self.offers: list[models.CapacityOffer] = []
        self.load: models.LoadTender | None = None
        self.tender: models.Tender | None = None
        self.dispatch_id = ""

    def make_load(self, load_id: str, offer: models.CapacityOffer) -> models.LoadTender:
        """A load for this offer, as the TMS's order entry would make it."""
        text = control.get("/load", loadId=load_id, capacityId=offer.capacity_id)
        return models.LoadTender.from_json(text)

    def search(self) -> str:
        """Capacity, in the contract's canonical JSON."""
        found = self.gh.capacity.search(origin=CHICAGO, destination=LOS_ANGELES, radius_mi=100)
        expect(not found.failures, f"carriers did not answer: {found.failures}")
        offers = [item.offer for item in found.offers]
        canonical = next(offer for offer in offers if offer.capacity_id == "aurora-12345")
        # The contract's own example has a window of its day; the morning's loads need one that is ahead.
        now = datetime.now(timezone.utc)
        self.offers = [offer for offer in offers if offer.available_window.end > now]
        for line in canonical.to_json().decode().splitlines():
            print(f"    {line}", flush=True)
        start, end = canonical.available_window.start, canonical.available_window.end
        amount = canonical.rate.raw("amount")
        return (
            f"{len(offers)} offers Chicago → Los Angeles; {canonical.capacity_id} at {canonical.rate.currency} {amount}, "
            f"{start:%d %b %H:%M}–{end:%H:%M} UTC, every zero kept"
        )

    def explain(self) -> str:
        """Does the load fit, and how do we know?"""
        offer = self.offers[0]
        self.load = self.make_load("mcleod-6789", offer)
        verdict = self.gh.capacity.explain(self.load, offer)
        expect(verdict.verdict == "eligible", f"{verdict.verdict}: {[c.remedy for c in verdict.checks if c.remedy]}")
        checks = ", ".join(check.code for check in verdict.checks[:4])
        return f"{self.load.load_id} is {verdict.verdict} for {offer.capacity_id}: {len(verdict.checks)} checks ({checks}, …)"

    def express(self) -> str:
        """Tendered and accepted in one call."""
        expect(self.load, "there is no load")
        self.tender = self.gh.tenders.create(self.load, carrier=CARRIER, capacity=self.offers[0], wait=20)  # type: ignore[arg-type]
        expect(self.tender.state == "accepted", f"it is {self.tender.state}: {self.tender.reason}")
        decision = self.tender.decision
        expect(decision, "the carrier gave no decision")
        return f"{self.tender.tender_id} accepted by the carrier, decided {decision.decided_at:%H:%M:%S} UTC"  # type: ignore[union-attr]

    def asynchronous(self) -> str:
        """Pending; a human decides; the webhook comes twice and out of order."""
        with receiver(self.gh) as server:
            self.gh.webhooks.subscribe(
                carrier=CARRIER, subscription_id="morning", url=server.url, mtls="signature_only"
            )
            control.post("/webhooks", mode="hold")
            control.post("/policy", decision="human")
            load = self.make_load("mcleod-6790", self.offers[1])
            tender = self.gh.tenders.create(load, carrier=CARRIER, capacity=self.offers[1])
            expect(tender.state == "pending", f"it is {tender.state}")
            control.post("/decide", tenderId=tender.tender_id, outcome="accepted", decidedBy="maria@aurora")
            control.post("/webhooks/release", tenderId=tender.tender_id, order=[2, 1], duplicate=1)
            seen = [str(receipt.outcome) for receipt in server.receipts if receipt.tender_id == tender.tender_id]
            control.post("/webhooks", mode="deliver")
            control.post("/policy", decision="accept")
            for state in self.gh.tenders.watch(tender.tender_id):
                if state.state != "pending":
                    break
            expect(state.state == "accepted", f"it is {state.state}")
            came = ", ".join(seen)
            return (
                f"{tender.load_id} pending, then accepted by maria@aurora; her webhooks, last first and twice: {came}"
            )

    def refused(self) -> str:
        """A no, with its reason: a value, not an exception."""
        control.post("/policy", decision="reject", reasonCode="no_capacity")
        load = self.make_load("mcleod-6791", self.offers[2])
        tender = self.gh.tenders.create(load, carrier=CARRIER, capacity=self.offers[2], wait=20)
        control.post("/policy", decision="accept")
        expect(tender.state == "rejected", f"it is {tender.state}")
        expect(tender.reason, "the carrier gave no reason")
        held = "free for another carrier" if tender.load_released else "still held"
        return f"{tender.load_id} rejected: {tender.reason.code}; the load is {held}"  # type: ignore[union-attr]

    def joined(self) -> str:
        """The same load again, from a job that ran twice."""
        expect(self.load and self.tender, "there is no tender to join")
        again = self.gh.tenders.create(self.load, carrier=CARRIER, capacity=self.offers[0], wait=20)  # type: ignore[arg-type]
        expect(again.joined and again.tender_id == self.tender.tender_id, f"it is {again!r}")  # type: ignore[union-attr]
        return f"{again.load_id} is held by {again.tender_id}; nothing was sent, nobody gets two trucks"

    def dispatch(self) -> str:
        """The carrier puts a truck on it."""
        expect(self.tender, "there is no tender")
        tender_id = self.tender.tender_id  # type: ignore[union-attr]
        control.post("/progress", tenderId=tender_id, to="dispatched", vehicleId="aurora-trk-0417")
        control.post("/progress", tenderId=tender_id, to="enroute")
        self.tender = self.follow_to(tender_id, "enroute")
        self.dispatch_id = self.tender.dispatch_id or ""
        dispatch = self.gh.dispatches.get(self.dispatch_id)
        return f"{dispatch.dispatch_id}: {dispatch.assignments[0].tractor_id}, {dispatch.control_mode}, {self.tender.state}"

    def highway(self) -> str:
        """A real minute of interstate, from the vehicle's gateway to the dispatcher's map."""
        expect(self.tender and self.dispatch_id, "there is no dispatch")
        load_id = self.tender.load_id  # type: ignore[union-attr]
        command = [sys.executable, str(Path(__file__).with_name("vehicle.py")), load_id, self.dispatch_id]
        seen, skipped, last = 0, 0, None
        with self.gh.telemetry.follow(load_id).open() as positions:
            vehicle = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
            said: list[bytes] = []

            def parked() -> None:
                said.append(vehicle.communicate()[0])
                time.sleep(SETTLE_S)
                positions.close()

            watcher = threading.Thread(target=parked)
            watcher.start()
            for position in positions:
                seen, skipped, last = seen + 1, skipped + position.skipped, position
            watcher.join()
        expect(vehicle.returncode == 0, "the vehicle's gateway failed")
        expect(last, "no position arrived")
        speed = float(last.speed_mps or 0) * 2.23694  # type: ignore[union-attr]
        return (
            f"{said[0].decode().strip()}; {seen} positions shown, {skipped} passed over; last {last.lat}, {last.lon} "  # type: ignore[union-attr]
            f"at {speed:.0f} mph, {last.freshness_ms} ms old, {last.autonomy_mode}"  # type: ignore[union-attr]
        )

    def stop(self) -> str:
        """Please stop at the next safe location; the carrier decides."""
        expect(self.dispatch_id, "there is no dispatch")
        asked = self.gh.dispatches.stop_at_next_safe_location(
            self.dispatch_id, reason="the consignee closed early", requested_by="dana@acme"
        )
        states = [str(asked.state)]
        deadline = time.monotonic() + PATIENCE_S
        while asked.state not in ("completed", "refused", "failed", "expired") and time.monotonic() < deadline:
            time.sleep(0.1)
            asked = self.gh.dispatches.command_status(self.dispatch_id, asked.command_id)
            if states[-1] != asked.state:
                states.append(str(asked.state))
        expect(asked.state == "completed", f"it is {asked.state}: {asked.reason}")
        return f"{' → '.join(states)}; {asked.outcome}; undone by {asked.inverse}"

    def delivered(self) -> str:
        """Delivered, and the paper to show for it."""
        expect(self.tender, "there is no tender")
        tender_id = self.tender.tender_id  # type: ignore[union-attr]
        control.post("/progress", tenderId=tender_id, to="delivered")
        self.tender = self.follow_to(tender_id, "delivered")
        papers = self.gh.documents.list(tender_id)
        expect(len(papers), "there is no proof of delivery")
        proof = self.gh.documents.get(tender_id, papers[0]["docId"].text or "")
        pieces = proof.pieces
        count = f"{pieces.received} of {pieces.ordered} pieces" if pieces else "no piece count"
        return f"{self.tender.load_id} {self.tender.state}; proof {proof.pod_id}, {count}, seal intact: {proof.seal_intact}"

    def reconcile(self) -> str:
        """Do both sides tell the same story?"""
        report = self.gh.reconcile.run()
        expect(report.differences == 0, f"{report.differences} differences: {report.items}")
        return f"{report.compared} tenders compared, {report.equal} equal, {report.differences} differences"

    def journal(self) -> str:
        """And could we prove it?"""
        report = self.gh.journal.verify()
        expect(report.intact, "the chain is broken")
        return f"{report.entries} entries, chain intact, head {report.head[:12]}…, at {report.path}"

    def follow_to(self, tender_id: str, wanted: str) -> models.Tender:
        """Follows the tender to a state, by the carrier's own events."""
        for tender in self.gh.tenders.watch(tender_id):
            if tender.state == wanted:
                return tender
        raise AssertionError(f"{tender_id} never was {wanted}")


def main() -> int:
    """Plays the morning."""
    with gladhand.connect() as gh:
        morning = Morning(gh)
        step("Capacity", morning.search)
        step("Does it fit?", morning.explain)
        step("Express tender", morning.express)
        step("A human decides", morning.asynchronous)
        step("A refusal", morning.refused)
        step("The same load again", morning.joined)
        step("Dispatch", morning.dispatch)
        step("The highway minute", morning.highway)
        step("Stop at the next safe location", morning.stop)
        step("Delivered", morning.delivered)
        step("Reconcile", morning.reconcile)
        step("The journal", morning.journal)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())

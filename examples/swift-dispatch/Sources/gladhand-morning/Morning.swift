// The steps of the morning. A desktop program has no address for webhooks: events come by the feed, and what a web server
// would have been sent is handed to the inbox here.
import Foundation
import Gladhand

struct Morning {
    let gh: Client
    let carrier: Sandbox

    func capacity() async throws -> CapacityOffer {
        let found = try await gh.capacity.search(origin: (41.8781, -87.6298), destination: (34.0522, -118.2437))
        guard let offer = found.offers.first?.offer else { throw Steps.Missing(what: "an offer") }
        Steps.expect(
            "capacity", offer.rate.raw("amount") == "1250.00",
            "\(offer.capacityId) at \(offer.rate.amount) USD, byte for byte")
        Steps.say(offer.json.trimmingCharacters(in: .whitespacesAndNewlines))
        return offer
    }

    func express(_ offer: CapacityOffer) async throws {
        let load = try await carrier.load("load-1001", offer: offer)
        let verdict = try gh.capacity.explain(load: load, offer: offer)
        Steps.expect(
            "eligibility explained", verdict.verdict == .eligible,
            "\(verdict.checks.count) checks, before anything is sent")
        let tender = try await gh.tenders.create(load, carrier: "aurora", capacity: offer, wait: .seconds(20))
        Steps.expect("express tender", tender.state == .accepted, "\(tender.tenderId) \(tender.state)")
    }

    func asynchronous() async throws -> Tender {
        try await control("/policy", ["decision": "human"])
        try await control("/webhooks", ["mode": "hold"])
        let tender = try await gh.tenders.create(try await carrier.load("load-1002"), carrier: "aurora")
        Steps.expect("asynchronous tender", tender.state == .pending, "a human will decide")

        let id = Json(tender.tenderId)
        try await control("/decide", ["tenderId": id, "outcome": "accepted", "decidedBy": "dispatcher-7"])
        let mail = try await control("/webhooks/messages", ["tenderId": id])
        var outcomes: [String] = []
        for place in [1, 0, 1, 0] {
            outcomes.append(try await receive(mail, place).outcome.rawValue)
        }
        let decided = try await state(tender.tenderId, .accepted)
        Steps.expect(
            "webhooks twice and out of order", decided.state == .accepted && outcomes.contains("duplicate"),
            "received \(outcomes.joined(separator: ", ")); applied once, in order")
        try await control("/webhooks", ["mode": "deliver"])
        return decided
    }

    func refused() async throws {
        try await control("/policy", ["decision": "reject", "reasonCode": "weather_forecast"])
        let load = try await carrier.load("load-1003")
        let tender = try await gh.tenders.create(load, carrier: "aurora", wait: .seconds(10))
        Steps.expect(
            "third tender refused", tender.state == .rejected,
            "\(tender.reason?.code ?? "without a reason"): the load is free again")
        try await control("/policy", ["decision": "accept"])
    }

    func held() async throws {
        let tender = try await gh.tenders.create(try await carrier.load("load-1002"), carrier: "aurora")
        Steps.expect("held load joins", tender.joined, "the same load again sends nothing")
    }

    func dispatched(_ tender: Tender) async throws -> Dispatch {
        try await control("/progress", ["tenderId": Json(tender.tenderId), "to": "dispatched"])
        let now = try await state(tender.tenderId, .dispatched)
        let dispatch = try await gh.dispatches.get(now.dispatchId ?? "")
        let tractor = dispatch.assignments.first?.tractorId ?? ""
        Steps.expect("dispatch", !tractor.isEmpty, "\(dispatch.dispatchId), tractor \(tractor)")
        return dispatch
    }

    func onTheRoad(_ tender: Tender, _ dispatch: Dispatch) async throws {
        try await control("/progress", ["tenderId": Json(tender.tenderId), "to": "enroute"])
        _ = try await state(tender.tenderId, .enroute)
        let positions = gh.telemetry.follow(loads: [tender.loadId])
        let following = Task {
            var (seen, last) = (0, Position?.none)
            do {
                for try await position in positions { (seen, last) = (seen + 1, position) }
            } catch is CancellationError {}
            return (seen, last)
        }
        let sent = try await Truck.drive(loadId: tender.loadId, dispatchId: dispatch.dispatchId)
        Steps.expect("the real highway minute", sent == 600, "\(sent) records streamed and acknowledged")
        try await Task.sleep(nanoseconds: 500_000_000)
        following.cancel()
        let (seen, last) = try await following.value
        guard let last else { throw Steps.Missing(what: "a position") }
        Steps.expect(
            "position and freshness", seen > 0,
            "\(seen) positions; the last at \(last.lat), \(last.lon), \(last.freshnessMs) ms old")
    }

    func stopped(_ dispatch: Dispatch) async throws {
        let status = try await gh.dispatches.stopAtNextSafeLocation(
            dispatch.dispatchId, reason: "load shifted", requestedBy: "dispatcher-7")
        let outcome = try await Steps.eventually("the stop") {
            let now = try await gh.dispatches.commandStatus(dispatch.dispatchId, status.commandId)
            return now.state == .completed ? now : nil
        }
        Steps.expect("conditional stop", true, "\(outcome.state): \(outcome.outcome ?? "")")
    }

    func delivered(_ tender: Tender) async throws {
        try await control("/progress", ["tenderId": Json(tender.tenderId), "to": "delivered"])
        _ = try await state(tender.tenderId, .delivered)
        let papers = try await gh.documents.list(tender: tender.tenderId)
        let count = papers.count("/documents") ?? papers.count("") ?? 0
        Steps.expect("delivery", count > 0, "\(count) paper(s), proof of delivery among them")
        let report = try await gh.reconcile.run()
        Steps.expect(
            "reconcile", report.differences == 0,
            "\(report.compared) histories compared, \(report.differences) differences")
        let journal = try await gh.journal.verify()
        Steps.expect("journal", journal.intact, "\(journal.entries) entries, chain intact")
    }

    /// Waits until a tender is in a state.
    private func state(_ tenderId: String, _ wanted: TenderState) async throws -> Tender {
        for try await tender in gh.tenders.watch(tenderId) where tender.state == wanted { return tender }
        throw Steps.Missing(what: "\(wanted)")
    }

    /// What the TMS's web server would do with a request: headers and raw bytes to the inbox.
    private func receive(_ mail: Document, _ place: Int) async throws -> InboxReceipt {
        let at = "/messages/\(place)"
        let headers = (0..<(mail.count("\(at)/headers") ?? 0)).map {
            (name: mail.text("\(at)/headers/\($0)/0") ?? "", value: mail.text("\(at)/headers/\($0)/1") ?? "")
        }
        return try await gh.inbox.receive(headers: headers, body: Data((mail.text("\(at)/body") ?? "").utf8))
    }

    @discardableResult
    private func control(_ path: String, _ body: Json) async throws -> Document {
        try await carrier.control(path, body.document())
    }
}

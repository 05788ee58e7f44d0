// The vocabulary of the scenarios: each operation as a call of the public API.
import Foundation

import Gladhand

extension Scenario {
    /// What the step's operation answers.
    func perform(_ step: Document) async throws -> Document? {
        let op = step.text("/op") ?? ""
        switch op.prefix(while: { $0 != "." }) {
        case "connect": try await connect(step)
        case "close":
            try await client?.close()
            client = nil
        case "sandbox": return try await sandbox(op, step)
        case "document": return try document(op, step)
        case "tenders": return try await tenders(op, step)
        case "capacity": return try await capacity(op, step)
        case "dispatches": return try await dispatches(op, step)
        default: return try await other(op, step)
        }
        return nil
    }

    private var connected: Client {
        get throws { try client.orThrow("no client is connected") }
    }

    private func connect(_ step: Document) async throws {
        var path = carrier.configuration
        let without = (0..<(step.count("/without") ?? 0)).compactMap { step.text("/without/\($0)") }
        if !without.isEmpty {
            let lines = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n").filter { line in
                !without.contains((line.components(separatedBy: "=").first ?? "").trimmingCharacters(in: .whitespaces))
            }
            path = carrier.directory + "/without.toml"
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        }
        let journal = step.text("/journal").map { ["journal.path": "\(carrier.directory)/\($0)"] } ?? [:]
        client = try await Gladhand.connect(configuration: path, settings: journal)
    }

    private func sandbox(_ op: String, _ step: Document) async throws -> Document {
        if op == "sandbox.load" {
            let offer = step.extract("/offer").map { CapacityOffer(document: $0) }
            return try await carrier.load(step.text("/loadId") ?? "", offer: offer).document
        }
        let file = try step.text("/file").map { try Document(parsing: Data(contentsOf: Shared.vectors($0))) }
        return try await carrier.control(step.text("/path") ?? "", file ?? step.extract("/body"))
    }

    private func document(_ op: String, _ step: Document) throws -> Document {
        if op == "document.set" {
            var document = try step.extract("/document").orThrow("no document")
            for place in 0..<(step.count("/set") ?? 0) {
                document.set(step.text("/set/\(place)/pointer") ?? "", raw: step.raw("/set/\(place)/value"))
            }
            return try document.validated()
        }
        let bytes = try step.text("/file").map { try Data(contentsOf: Shared.vectors($0)) }
        let given = bytes ?? Data((step.text("/text") ?? "").utf8)
        try Typed.validate(step.text("/entity") ?? "", given)
        return try Document(parsing: given)
    }

    private func tenders(_ op: String, _ step: Document) async throws -> Document {
        let tenders = try connected.tenders
        switch op {
        case "tenders.create", "tenders.again":
            let load = LoadTender(document: try step.extract("/load").orThrow("no load"))
            let capacity = step.extract("/capacity").map { CapacityOffer(document: $0) }
            let (carrier, wait) = (step.text("/carrier") ?? "", step.integer("/waitMs").map { Duration.milliseconds($0) })
            return op == "tenders.again"
                ? try await tenders.tenderAgain(load, carrier: carrier, capacity: capacity, wait: wait).document
                : try await tenders.create(load, carrier: carrier, capacity: capacity, wait: wait).document
        case "tenders.get": return try await tenders.get(step.text("/tenderId") ?? "").document
        case "tenders.list":
            let state = step.text("/state").map { TenderState(rawValue: $0) }
            return try Self.list("tenders", try await tenders.list(state: state).map(\.document))
        case "tenders.withdraw":
            return try await tenders.withdraw(step.text("/tenderId") ?? "", reason: step.text("/reason") ?? "").document
        default: return try await change(op, step)
        }
    }

    private func change(_ op: String, _ step: Document) async throws -> Document {
        let (tenders, id) = (try connected.tenders, step.text("/tenderId") ?? "")
        let wait = step.integer("/waitMs").map { Duration.milliseconds($0) }
        let load = step.extract("/load").map { LoadTender(document: $0) }
        switch op {
        case "tenders.revise":
            return try await tenders.revise(id, try load.orThrow("no load"), wait: wait).document
        case "tenders.amend": return try await tenders.amend(id, try load.orThrow("no load")).document
        case "tenders.accept_counter": return try await tenders.acceptCounter(id, wait: wait).document
        case "tenders.decline_counter":
            return try await tenders.declineCounter(id, reason: step.text("/reason")).document
        case "tenders.request_cancel":
            return try await tenders.requestCancel(id, reason: step.text("/reason") ?? "").document
        case "tenders.release_unproven":
            return try await tenders.releaseUnproven(
                id, actor: step.text("/actor") ?? "", reason: step.text("/reason") ?? "",
                runbook: step.text("/runbook") ?? ""
            ).document
        default: throw Mismatch(description: "\(op) is not played")
        }
    }

    private func capacity(_ op: String, _ step: Document) async throws -> Document {
        let capacity = try connected.capacity
        let (carrier, id) = (step.text("/carrier") ?? "", step.text("/capacityId") ?? "")
        switch op {
        case "capacity.search":
            let request = CapacitySearch(document: try step.extract("/request").orThrow("no request"))
            return try await capacity.search(request).document
        case "capacity.explain":
            let load = LoadTender(document: try step.extract("/load").orThrow("no load"))
            let offer = CapacityOffer(document: try step.extract("/offer").orThrow("no offer"))
            return try capacity.explain(load: load, offer: offer).document
        case "capacity.get": return try await capacity.get(carrier: carrier, capacityId: id).document
        case "capacity.hold":
            return try await capacity.hold(carrier: carrier, capacityId: id, holdId: step.text("/holdId")).document
        case "capacity.release":
            let hold = step.text("/holdId") ?? ""
            return try await capacity.release(carrier: carrier, capacityId: id, holdId: hold).document
        default: throw Mismatch(description: "\(op) is not played")
        }
    }

    private func dispatches(_ op: String, _ step: Document) async throws -> Document {
        let (dispatches, id) = (try connected.dispatches, step.text("/dispatchId") ?? "")
        switch op {
        case "dispatches.get": return try await dispatches.get(id).document
        case "dispatches.command_status":
            return try await dispatches.commandStatus(id, step.text("/commandId") ?? "").document
        case "dispatches.commands": return try Self.list("commands", try await dispatches.commands(id).map(\.document))
        default: return try await command(op, step, dispatches, id).document
        }
    }

    private func command(
        _ op: String, _ step: Document, _ dispatches: Dispatches, _ id: String
    ) async throws -> CommandStatus {
        let (reason, ref) = (step.text("/reason") ?? "", step.text("/commandRef") ?? "")
        let (who, role) = (step.text("/requestedBy/principal") ?? "", step.text("/requestedBy/role"))
        let lease = Duration.seconds(step.integer("/leaseS") ?? 0)
        switch op {
        case "dispatches.stop":
            return try await dispatches.stopAtNextSafeLocation(id, reason: reason, requestedBy: who, role: role)
        case "dispatches.resume":
            return try await dispatches.resume(id, ref, reason: reason, requestedBy: who, role: role)
        case "dispatches.hold":
            return try await dispatches.hold(id, reason: reason, requestedBy: who, role: role, lease: lease)
        case "dispatches.renew_hold":
            return try await dispatches.renewHold(id, ref, reason: reason, requestedBy: who, role: role, lease: lease)
        case "dispatches.release":
            return try await dispatches.release(id, ref, reason: reason, requestedBy: who, role: role)
        case "dispatches.request_intervention":
            let kind = InterventionKind(rawValue: step.text("/kind") ?? "")
            return try await dispatches.requestIntervention(id, kind, reason: reason, requestedBy: who, role: role)
        case "dispatches.revoke":
            let command = step.text("/commandId") ?? ""
            return try await dispatches.revoke(id, command, reason: reason, requestedBy: who, role: role)
        case "dispatches.change_route":
            let detour = step.text("/detourId") ?? ""
            return try await dispatches.changeRoute(id, detour, reason: reason, requestedBy: who, role: role)
        default: throw Mismatch(description: "\(op) is not played")
        }
    }

    private func other(_ op: String, _ step: Document) async throws -> Document {
        let client = try connected
        let headers = (0..<(step.count("/headers") ?? 0)).map {
            (name: step.text("/headers/\($0)/0") ?? "", value: step.text("/headers/\($0)/1") ?? "")
        }
        switch op {
        case "events.take": return try await take(client, step)
        case "inbox.handshake": return try client.inbox.handshake(headers: headers).document
        case "inbox.receive":
            return try await client.inbox.receive(headers: headers, body: Data((step.text("/body") ?? "").utf8)).document
        case "documents.list": return try await client.documents.list(tender: step.text("/tenderId") ?? "")
        case "reconcile": return try await client.reconcile.run().document
        case "journal.verify": return try await client.journal.verify().document
        case "health": return try await client.health().document
        default: throw Mismatch(description: "\(op) is not played")
        }
    }

    private func take(_ client: Client, _ step: Document) async throws -> Document {
        let (consumer, wanted) = (step.text("/consumer") ?? "", step.integer("/count") ?? 0)
        let reading = Task {
            var taken: [Document] = []
            for try await delivery in client.events(consumer: consumer) {
                taken.append(delivery.event.document)
                try await delivery.acknowledge()
                if taken.count == wanted { break }
            }
            return taken
        }
        let patience = Task {
            try await Task.sleep(nanoseconds: 10_000_000_000)
            reading.cancel()
        }
        defer { patience.cancel() }
        return try Self.list("events", try await reading.value)
    }

    private static func list(_ name: String, _ documents: [Document]) throws -> Document {
        try Document(parsing: "{\"\(name)\":[\(documents.map(\.json).joined(separator: ","))]}")
    }
}

// The typed side of the document vectors: Swift's properties are known to the compiler, so each pointer that the vectors
// change is spelt here once as the property it is. A pointer that is not is a failure.
import Foundation

import Gladhand

enum Typed {
    struct Unmapped: Error { let what: String }

    static func validate(_ entity: String, _ bytes: Data) throws {
        switch entity {
        case "CapacityOffer": try CapacityOffer(parsing: bytes).validated()
        case "LoadTender": try LoadTender(parsing: bytes).validated()
        case "TenderDecision": try TenderDecision(parsing: bytes).validated()
        case "Command": try Command(parsing: bytes).validated()
        case "Event": try Event(parsing: bytes).validated()
        case "Dispatch": try Dispatch(parsing: bytes).validated()
        case "ProofOfDelivery": try ProofOfDelivery(parsing: bytes).validated()
        case "Invoice": try Invoice(parsing: bytes).validated()
        case "Problem": try Problem(parsing: bytes).validated()
        case "TenderSnapshot": try TenderSnapshot(parsing: bytes).validated()
        case "Discovery": try Discovery(parsing: bytes).validated()
        case "TenderWithdrawal": try TenderWithdrawal(parsing: bytes).validated()
        case "WebhookSubscription": try WebhookSubscription(parsing: bytes).validated()
        case "CapacitySearch": try CapacitySearch(parsing: bytes).validated()
        case "DigestPage": try DigestPage(parsing: bytes).validated()
        default: throw Unmapped(what: entity)
        }
    }

    static func change(_ entity: String, _ pointer: String, _ value: String, _ bytes: Data) throws -> Data {
        switch entity {
        case "CapacityOffer": try changed(CapacityOffer(parsing: bytes)) { try offer(&$0, pointer, value) }
        case "LoadTender": try changed(LoadTender(parsing: bytes)) { try load(&$0, pointer, value) }
        default: try other(entity, pointer, value, bytes)
        }
    }

    private static func changed<M: Model>(_ model: M, _ change: (inout M) throws -> Void) throws -> Data {
        var copy = model
        try change(&copy)
        return try copy.document.validated().bytes
    }

    private static func offer(_ offer: inout CapacityOffer, _ pointer: String, _ value: String) throws {
        switch pointer {
        case "/rate/amount": offer.rate.amount = Number(value)
        case "/rate/currency": offer.rate.currency = value
        case "/rate/fuelSurcharge/value": offer.rate.fuelSurcharge?.value = Number(value)
        case "/constraints/hazmat": offer.constraints.hazmat = value == "true"
        case "/constraints/maxWeightLbs": offer.constraints.maxWeightLbs = Int(value) ?? 0
        case "/capacityId": offer.capacityId = value
        case "/capacityRevision": offer.capacityRevision = Int(value)
        case "/quantity": offer.quantity = Int(value)
        case "/route/0/to/lat": offer.route[0].to.lat = Number(value)
        case "/route/0/from/name": offer.route[0].from.name = value
        case "/autonomyLevel": offer.autonomyLevel = AutonomyLevel(rawValue: value)
        case "/status": offer.status = CapacityStatus(rawValue: value)
        case "/availableWindow/end": offer.availableWindow.end = Instant(value)
        default: try detail(&offer, pointer, value)
        }
    }

    private static func detail(_ offer: inout CapacityOffer, _ pointer: String, _ value: String) throws {
        switch pointer {
        case "/rate/unitPrice": offer.rate.unitPrice = Number(value)
        case "/equipment/reeferSetpointRange/max": offer.equipment?.reeferSetpointRange?.max = Number(value)
        case "/autonomy/supervised": offer.autonomy?.supervised = value == "true"
        case "/route/1/permittedDetours/0/maxExtraMi": offer.route[1].permittedDetours?[0].maxExtraMi = Number(value)
        case "/route/1/driveMode": offer.route[1].driveMode = DriveMode(rawValue: value)
        case "/constraints/hoursOfOperation/0/endLocal": offer.constraints.hoursOfOperation?[0].endLocal = value
        case "/constraints/inspection/validUntil": offer.constraints.inspection?.validUntil = Instant(value)
        case "/constraints/cargoRestrictions/maxValue/amount":
            offer.constraints.cargoRestrictions?.maxValue?.amount = Number(value)
        default: throw Unmapped(what: pointer)
        }
    }

    private static func load(_ load: inout LoadTender, _ pointer: String, _ value: String) throws {
        switch pointer {
        case "/stops/1/appointment/end": load.stops[1].appointment.end = Instant(value)
        case "/stops/2/location/name": load.stops[2].location.name = value
        case "/commodities/0/weight/value": load.commodities[0].weight.value = Number(value)
        case "/commodities/0/temp/min": load.commodities[0].temp?.min = Number(value)
        case "/commodities/0/hazmat/packingGroup":
            load.commodities[0].hazmat?.packingGroup = PackingGroup(rawValue: value)
        case "/commodities/0/hazmat/erg": load.commodities[0].hazmat?.erg = value
        case "/commodities/0/dims/height": load.commodities[0].dims?.height = Number(value)
        case "/stops/0/appointment/end": load.stops[0].appointment.end = Instant(value)
        case "/revision": load.revision = Int(value) ?? 0
        case "/mode": load.mode = TenderMode(rawValue: value)
        case "/requirements/teamOk": load.requirements?.teamOk = value == "true"
        default: throw Unmapped(what: pointer)
        }
    }

    private static func other(_ entity: String, _ pointer: String, _ value: String, _ bytes: Data) throws -> Data {
        switch (entity, pointer) {
        case ("TenderDecision", "/decidedBy/id"):
            try changed(TenderDecision(parsing: bytes)) { $0.decidedBy.id = value }
        case ("TenderDecision", "/counter/firm"):
            try changed(TenderDecision(parsing: bytes)) { $0.counter?.firm = value == "true" }
        case ("Dispatch", "/assignments/1/trailerId"):
            try changed(Dispatch(parsing: bytes)) { $0.assignments[1].trailerId = value }
        case ("ProofOfDelivery", "/pieces/damaged"):
            try changed(ProofOfDelivery(parsing: bytes)) { $0.pieces?.damaged = Int(value) }
        case ("Event", "/data/position/lat"):
            try changed(Event(parsing: bytes)) { $0.data.position?.lat = Number(value) }
        case ("Command", "/leaseS"):
            try changed(Command(parsing: bytes)) { $0.leaseS = Int(value) }
        case ("Command", "/expiresAt"):
            try changed(Command(parsing: bytes)) { $0.expiresAt = Instant(value) }
        case ("Event", "/data/exception/severity"):
            try changed(Event(parsing: bytes)) { $0.data.exception?.severity = Severity(rawValue: value) }
        case ("Event", "/data/position/speedMps"):
            try changed(Event(parsing: bytes)) { $0.data.position?.speedMps = Number(value) }
        default: throw Unmapped(what: "\(entity) \(pointer)")
        }
    }
}

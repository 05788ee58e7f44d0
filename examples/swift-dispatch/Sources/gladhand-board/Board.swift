// What the board knows of each load, and what of a change is worth a line.
import Gladhand

/// One tender on the board.
struct Row: Sendable {
    var tender: Tender
    var position: Position?
    /// When each stop is expected, as the carrier last said.
    var etas: [Eta] = []
    /// What a reading could not get.
    var trouble: String?

    /// Open exceptions: what, how bad, and by how many minutes it delays.
    var alarms: [String] {
        let exceptions = (tender.exceptions ?? []).compactMap { try? TenderException(document: $0.document()) }
        let open = exceptions.filter { $0.clearedAt == nil }.map { exception in
            let delay = exception.etaDeltaMin.map { ", \($0) min" } ?? ""
            return "\(exception.kind) (\(exception.severity)\(delay))"
        }
        return open + (trouble.map { [$0] } ?? [])
    }

    /// The last stop's expected arrival: when the load is expected to be there.
    var eta: String { etas.last.map { $0.at.lexeme } ?? "" }
    var control: String { tender.controlMode.map(\.rawValue) ?? "" }
    var place: String { position.map { "\($0.lat.short), \($0.lon.short)" } ?? "" }

    /// What the board shows of it in a line.
    var facts: [String] {
        [tender.loadId, tender.carrier, tender.state.rawValue, control, place, eta, alarms.joined(separator: "; ")]
    }
}

struct Board: Sendable {
    private var byTender: [String: Row] = [:]

    /// The rows, by load; a load that was tendered again has one for each attempt.
    var rows: [Row] {
        byTender.values.sorted { ($0.tender.loadId, $0.tender.attempt) < ($1.tender.loadId, $1.tender.attempt) }
    }

    /// Whether there was a load, and none is under way.
    var isOver: Bool {
        !byTender.isEmpty && byTender.values.allSatisfy { $0.tender.state.isOver }
    }

    /// Takes a change; gives the lines that tell of it to a reader who does not see the board.
    mutating func take(_ change: Change) -> [String] {
        switch change {
        case .tender(let tender):
            let before = byTender[tender.tenderId]
            byTender[tender.tenderId, default: Row(tender: tender)].tender = tender
            return lines(of: tender, before)
        case .event(let event):
            guard let etas = event.data.eta, byTender[event.data.tenderId] != nil else { return [] }
            byTender[event.data.tenderId]?.etas = etas
            return etas.map { "\(event.data.loadId)  expected at \($0.stopId): \($0.at)" }
        case .position(let position):
            guard let row = current(position.loadId) else { return [] }
            byTender[row.tender.tenderId]?.position = position
            // The first one of a load; the others are for those who see the board.
            guard row.position == nil else { return [] }
            return ["\(position.loadId)  at \(position.lat.short), \(position.lon.short), \(position.freshnessMs) ms old"]
        case .trouble(let loadId, let what):
            guard let row = current(loadId) else { return [] }
            byTender[row.tender.tenderId]?.trouble = what
            return ["\(loadId)  \(what)"]
        case .tick, .quit:
            return []
        }
    }

    /// The newest attempt at a load.
    private func current(_ loadId: String) -> Row? {
        byTender.values.filter { $0.tender.loadId == loadId }.max { $0.tender.attempt < $1.tender.attempt }
    }

    /// What of a tender is new: its state, who is in control, what is wrong and what is no longer.
    private func lines(of tender: Tender, _ before: Row?) -> [String] {
        let now = Row(tender: tender)
        var out: [String] = []
        if before?.tender.state != tender.state {
            let reason = tender.reason.map { ": \($0.code)" } ?? ""
            out.append("\(tender.loadId)  \(tender.carrier)  \(tender.state)\(reason)")
        }
        if let before, before.tender.controlMode != tender.controlMode, let mode = tender.controlMode {
            out.append("\(tender.loadId)  control: \(mode)")
        }
        let (old, new) = (before.map { Row(tender: $0.tender).alarms } ?? [], now.alarms)
        out += new.filter { !old.contains($0) }.map { "\(tender.loadId)  ALARM \($0)" }
        out += old.filter { !new.contains($0) }.map { "\(tender.loadId)  cleared \($0)" }
        return out
    }
}

extension Number {
    /// Degrees to about ten metres: what a dispatcher reads.
    var short: String {
        guard let point = lexeme.firstIndex(of: ".") else { return lexeme }
        return String(lexeme.prefix(upTo: lexeme.index(point, offsetBy: 5, limitedBy: lexeme.endIndex) ?? lexeme.endIndex))
    }
}

// Where the board is drawn: in place on a terminal, line by line into a pipe or a file.
import Foundation
import Gladhand

struct Screen {
    /// Whether somebody looks at it while it changes.
    let isTerminal: Bool
    private let write: (String) -> Void

    /// Standard output.
    init() {
        isTerminal = isatty(STDOUT_FILENO) == 1
        write = { FileHandle.standardOutput.write(Data($0.utf8)) }
    }

    /// What a change was, where nobody sees the board.
    func print(_ line: String) {
        if !isTerminal { write(line + "\n") }
    }

    /// The whole board, over the one before.
    func draw(_ board: Board) {
        if isTerminal { write("\u{1B}[H\u{1B}[2J" + Self.table(board.rows, at: Date())) }
    }

    static let heads = ["LOAD", "CARRIER", "STATE", "CONTROL", "POSITION", "AGE", "EXPECTED", "ALARMS"]

    /// A table with a head; as wide as its cells.
    static func table(_ rows: [Row], at now: Date) -> String {
        let cells = [heads] + rows.map { row in
            var facts = row.facts
            facts.insert(row.position.map { age($0, at: now) } ?? "", at: 5)
            return facts
        }
        let widths = heads.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        let lines = cells.map { line in
            let padded = zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            let text = padded.joined(separator: "  ")
            return String(text.reversed().drop { $0 == " " }.reversed())
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// How old a position is by now: what the SDK said when it came, and the time since.
    private static func age(_ position: Position, at now: Date) -> String {
        let since = position.receivedAt.date.map { now.timeIntervalSince($0) } ?? 0
        let seconds = Double(position.freshnessMs) / 1000 + max(0, since)
        return seconds < 10 ? String(format: "%.1f s", seconds) : "\(Int(seconds)) s"
    }
}

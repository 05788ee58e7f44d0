// A live board of loads for a dispatcher: state, who is in control, where the truck is and how old that is, when it is
// expected, and what is wrong. Redrawn in place on a terminal; a line for each change otherwise.
//
//     gladhand-board                      gladhand.toml and GLADHAND_* say which carriers
//     gladhand-board --consumer desk-2    a second board of the same TMS: its own reading of the events
//     gladhand-board --until-over         ends once no load is under way any more
//
// On a terminal, `q` and Return ends it. Feed.swift reads, Board.swift keeps, Screen.swift draws.
import Foundation
import Gladhand

do {
    let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
    let gh = try await Gladhand.connect()
    var screen = Screen()
    try await show(gh, arguments, on: &screen)
    try await gh.close()
} catch let error as Arguments.Unknown {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(2)
} catch {
    FileHandle.standardError.write(Data("gladhand-board: \(error)\n".utf8))
    exit(1)
}

/// Draws each change until there is nothing more to show.
func show(_ gh: Client, _ arguments: Arguments, on screen: inout Screen) async throws {
    var board = Board()
    let feed = Feed(gh: gh, consumer: arguments.consumer, ticking: screen.isTerminal)
    for try await change in feed.changes() {
        if case .quit = change { return }
        for line in board.take(change) { screen.print(line) }
        screen.draw(board)
        if arguments.untilOver && board.isOver { return }
    }
}

// The command line.

struct Arguments {
    /// What the program does not know.
    struct Unknown: Error, CustomStringConvertible {
        let argument: String
        var description: String {
            "gladhand-board does not know \(argument); it takes --consumer NAME and --until-over"
        }
    }

    /// Under which name the events are read; two boards at once need two.
    private(set) var consumer = "board"
    /// Whether to end once no load is under way.
    private(set) var untilOver = false

    init(_ arguments: [String]) throws {
        var rest = arguments.makeIterator()
        while let argument = rest.next() {
            switch argument {
            case "--until-over": untilOver = true
            case "--consumer":
                guard let name = rest.next() else { throw Unknown(argument: argument) }
                consumer = name
            default: throw Unknown(argument: argument)
            }
        }
    }
}

// Prints each step as `STEP ok <title> — <detail>`, which `cargo xtask demo` shows as a timeline.
import Foundation

enum Steps {
    /// Something that the morning cannot go on without.
    struct Missing: Error, CustomStringConvertible {
        let what: String
        var description: String { "the carrier gave no sign of \(what)" }
    }

    /// An environment variable that the demo sets.
    static func variable(_ name: String) -> String {
        ProcessInfo.processInfo.environment[name] ?? ""
    }

    /// One step and whether it went as it should.
    static func expect(_ title: String, _ good: Bool, _ detail: String) {
        say("STEP \(good ? "ok" : "FAIL") \(title) — \(detail)")
    }

    /// A line at once, also into a pipe.
    static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    /// Asks again, for at most ten seconds, until there is an answer.
    static func eventually<Answer>(_ what: String, _ ask: () async throws -> Answer?) async throws -> Answer {
        for _ in 0..<200 {
            if let answer = try await ask() { return answer }
            try await Task.sleep(nanoseconds: 50_000_000)
        }
        throw Missing(what: what)
    }
}

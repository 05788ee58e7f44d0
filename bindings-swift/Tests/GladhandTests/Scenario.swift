// Plays one scenario through the public API: resolves references, plays steps, checks answers.
import Foundation

import Gladhand

/// What a step does not do that it says.
struct Mismatch: Error, CustomStringConvertible {
    let description: String
}

actor Scenario {
    let carrier: Sandbox
    var client: Client?
    var saved: [String: Document] = [:]
    private(set) var place = "at its start"

    init(_ carrier: Sandbox) {
        self.carrier = carrier
    }

    func run(_ document: Document) async throws {
        for number in 0..<(document.count("/steps") ?? 0) {
            let step = try document.extract("/steps/\(number)").orThrow("no step \(number)")
            place = "step \(number) \(step.text("/op") ?? "")"
            var attempts = step.integer("/eventually") ?? 1
            while true {
                attempts -= 1
                do {
                    try await play(try resolved(step))
                    break
                } catch {
                    if attempts <= 0 { throw error }
                    try await Task.sleep(nanoseconds: 100_000_000)
                }
            }
        }
        try await client?.close()
    }

    private func play(_ step: Document) async throws {
        if step.raw("/expectError") != nil {
            do {
                _ = try await perform(step)
            } catch let error as GladhandError {
                return try Self.check(error, step)
            }
            throw Mismatch(description: "it had to fail")
        }
        let answer = try await perform(step)
        for number in 0..<(step.count("/expect") ?? 0) {
            try Self.check(answer ?? .object, step, "/expect/\(number)")
        }
        if let name = step.text("/save") {
            saved[name] = try answer.orThrow("there is nothing to save")
        }
    }

    /// The step with each `"${name/pointer}"` replaced by the JSON text that stands there.
    private func resolved(_ step: Document) throws -> Document {
        var text = step.json
        while let start = text.range(of: "\"${"), let end = text.range(of: "}\"", range: start.upperBound..<text.endIndex) {
            let reference = text[start.upperBound..<end.lowerBound]
            let name = String(reference.prefix { $0 != "/" })
            let pointer = String(reference.dropFirst(name.count))
            let raw = try saved[name]?.raw(pointer).orThrow("nothing stands at ${\(reference)}")
            text.replaceSubrange(start.lowerBound..<end.upperBound, with: try raw.orThrow("nothing is saved as \(name)"))
        }
        return try Document(parsing: text)
    }

    private static func check(_ error: GladhandError, _ step: Document) throws {
        guard error.code.rawValue == step.text("/expectError/code"),
            error.sent.rawValue == step.text("/expectError/sent") ?? error.sent.rawValue,
            step.text("/expectError/says").map({ "\(error)".contains($0) }) ?? true
        else { throw Mismatch(description: "\(error) (\(error.sent)) is not \(step.raw("/expectError") ?? "")") }
    }

    private static func check(_ answer: Document, _ step: Document, _ at: String) throws {
        let pointers = expand(answer, step.text("\(at)/pointer") ?? "")
        let held: Bool
        if let present = step.boolean("\(at)/present") {
            held = pointers.contains { answer.raw($0) != nil } == present
        } else if let count = step.integer("\(at)/count") {
            held = pointers.contains { answer.count($0) == count }
        } else if let file = step.text("\(at)/bytesOf") {
            let wanted = try String(contentsOf: Shared.vectors(file), encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            held = pointers.contains { answer.raw($0) == wanted }
        } else {
            let choices = step.count("\(at)/oneOf").map { (0..<$0).map { "\(at)/oneOf/\($0)" } } ?? ["\(at)/equals"]
            held = pointers.contains { here in choices.contains { same(answer, here, step, $0) } }
        }
        if !held { throw Mismatch(description: "\(step.raw(at) ?? "") of \(answer.json.prefix(600))") }
    }

    /// The pointers that one with `*` stands for.
    private static func expand(_ document: Document, _ pointer: String) -> [String] {
        guard let star = pointer.range(of: "/*") else { return [pointer] }
        let (before, after) = (pointer[..<star.lowerBound], pointer[star.upperBound...])
        return (0..<(document.count(String(before)) ?? 0)).flatMap { expand(document, "\(before)/\($0)\(after)") }
    }

    /// Equal strings by their text, everything else by its JSON text.
    private static func same(_ one: Document, _ here: String, _ other: Document, _ there: String) -> Bool {
        if let text = one.text(here) { return text == other.text(there) }
        return one.raw(here) != nil && one.raw(here) == other.raw(there)
    }
}

extension Document {
    func integer(_ pointer: String) -> Int? {
        number(pointer).flatMap { Int($0) }
    }
}

extension Optional {
    func orThrow(_ what: String) throws -> Wrapped {
        guard let self else { throw Mismatch(description: what) }
        return self
    }
}

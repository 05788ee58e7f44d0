// All that Swift shows of a value and of what hangs on it: what a debugger, a logger and a crash reporter would print.
import Foundation
import XCTest

import Gladhand

/// Everything that can be seen of these values.
func shown(_ values: Any...) -> String {
    var text = ""
    for value in values {
        // `dump` and the mirror look into private members too.
        dump(value, to: &text)
        var known = Set<ObjectIdentifier>()
        describe(value, depth: 0, into: &text, known: &known)
    }
    return text
}

private func describe(_ value: Any, depth: Int, into text: inout String, known: inout Set<ObjectIdentifier>) {
    if type(of: value) is AnyClass, !known.insert(ObjectIdentifier(value as AnyObject)).inserted { return }
    text += "\(value)\n\(String(describing: value))\n\(String(reflecting: value))\n"
    if let value = value as? CustomDebugStringConvertible { text += value.debugDescription + "\n" }
    if let error = value as? any Error {
        let bridged = error as NSError
        text += "\(error.localizedDescription)\n\(bridged)\n\(bridged.userInfo)\n\(bridged.debugDescription)\n"
    }
    guard depth < 12 else { return }
    var mirror: Mirror? = Mirror(reflecting: value)
    while let level = mirror {
        for child in level.children { describe(child.value, depth: depth + 1, into: &text, known: &known) }
        mirror = level.superclassMirror
    }
}

/// Where carriers write down what must not be shown.
let canaryFile: String = {
    if let file = ProcessInfo.processInfo.environment["GLADHAND_CANARIES"] { return file }
    let file = NSTemporaryDirectory() + "canaries-\(UUID().uuidString).txt"
    setenv("GLADHAND_CANARIES", file, 1)
    return file
}()

/// Which secrets are in the text, by kind, so that a failure does not repeat them: those that the carriers of this run issued
/// or saw, and `canaries`.
func leaks(_ text: String, _ canaries: String...) throws -> [String] {
    let written = try String(contentsOfFile: canaryFile, encoding: .utf8)
    var known = canaries.map { ("canary", $0) }
    for line in written.split(separator: "\n") {
        guard let space = line.firstIndex(of: " ") else { continue }
        known.append((String(line[..<space]), String(line[line.index(after: space)...])))
    }
    let bytes = Data(text.utf8)
    var found = Set<String>()
    for (kind, secret) in known where secret.utf8.count >= 12 && !found.contains(kind) {
        if bytes.range(of: Data(secret.utf8)) != nil { found.insert(kind) }
    }
    return found.sorted()
}

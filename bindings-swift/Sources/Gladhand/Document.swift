// The lossless JSON document. Models are views over it; what you read is a lexeme of the carrier's bytes, what you write
// changes only those bytes (contract 3a).
import Foundation
internal import GladhandCore

/// One JSON text, kept byte for byte: a decimal keeps its zeros, a 23-digit integer its digits, and a member that this
/// version does not know survives.
///
/// Pointers are JSON Pointers (RFC 6901): `"/rate/amount"`, `"/stops/0/location"`; `""` is the whole document.
///
/// A value type: copying is cheap, and changing one copy leaves the others alone.
public struct Document: Sendable {
    private(set) var handle: DocumentHandle
    /// The first change that could not be made. Kept because a property setter cannot throw; see ``validated()``.
    private(set) var refused: GladhandError?

    init(_ handle: DocumentHandle) {
        self.handle = handle
    }

    /// Parses one JSON text, such as the body of a request.
    ///
    /// - Throws: ``GladhandError`` with `malformedJson` for anything but one UTF-8 JSON text without duplicate keys and at
    ///   most 32 levels deep, `tooLarge` beyond 4 MiB.
    public init(parsing data: Data) throws {
        handle = try bridged { try DocumentHandle.parse(bytes: data) }
    }

    /// Parses one JSON text.
    ///
    /// - Throws: as ``init(parsing:)-(Data)``.
    public init(parsing json: String) throws {
        try self.init(parsing: Data(json.utf8))
    }

    /// The empty object, to build a new document from.
    public static let object: Document = {
        // Only a core that cannot hold two bytes fails here, and nothing could go on without it.
        guard let handle = try? DocumentHandle.object() else { preconditionFailure("the Gladhand core does not work") }
        return Document(handle)
    }()

    /// The text, byte for byte as parsed or changed.
    public var json: String {
        lenient("") { try handle.json() }
    }

    /// The bytes, as parsed or changed.
    public var bytes: Data {
        lenient(Data()) { try handle.bytes() }
    }

    /// The value at a pointer as it stands in the document, such as `1250.00` or `"USD"` with its quotes.
    public func raw(_ pointer: String) -> String? {
        lenient(nil) { try handle.raw(pointer: pointer) }
    }

    /// The decoded string at a pointer, if a string stands there.
    public func text(_ pointer: String) -> String? {
        lenient(nil) { try handle.text(pointer: pointer) }
    }

    /// The number at a pointer exactly as written, if a number stands there. `1250.00` is not `1250`.
    public func number(_ pointer: String) -> String? {
        lenient(nil) { try handle.number(pointer: pointer) }
    }

    /// The boolean at a pointer, if one stands there.
    public func boolean(_ pointer: String) -> Bool? {
        lenient(nil) { try handle.boolean(pointer: pointer) }
    }

    /// How many elements or members the array or object at a pointer has.
    public func count(_ pointer: String) -> Int? {
        lenient(nil) { try handle.count(pointer: pointer).map(Int.init) }
    }

    /// Whether `null` stands at a pointer; `nil` if no value does.
    public func isNull(_ pointer: String) -> Bool? {
        lenient(nil) { try handle.isNull(pointer: pointer) }
    }

    /// The names of the members of the object at a pointer, in document order.
    public func keys(_ pointer: String = "") -> [String]? {
        lenient(nil) { try handle.keys(pointer: pointer) }
    }

    /// The value at a pointer as a document of its own, byte for byte.
    public func extract(_ pointer: String) -> Document? {
        lenient(nil) { try handle.extract(pointer: pointer).map(Document.init) }
    }

    /// A document in which the value at a pointer is `raw`, a JSON text; every other byte stays. Missing parents are added
    /// as objects, `-` appends to an array.
    ///
    /// - Throws: ``GladhandError`` with `malformedJson` if the value is no JSON text, `invalidArgument` if the pointer leads
    ///   through a scalar.
    public func patching(_ pointer: String, raw: String) throws -> Document {
        var copy = self
        copy.handle = try bridged { try handle.patch(pointer: pointer, raw: raw) }
        return copy
    }

    /// A document without the value at a pointer; the same document if nothing stands there.
    ///
    /// - Throws: ``GladhandError`` with `invalidArgument` for a pointer that is none.
    public func removing(_ pointer: String) throws -> Document {
        var copy = self
        copy.handle = try bridged { try handle.remove(pointer: pointer) }
        return copy
    }

    /// Changes the value at a pointer, or removes it when `raw` is `nil`. The setters of the models use this: a change that
    /// cannot be made leaves the bytes alone and is thrown by ``validated()`` and by the operation that gets the document.
    public mutating func set(_ pointer: String, raw: String?) {
        do {
            let changed = try raw.map { try patching(pointer, raw: $0) } ?? removing(pointer)
            handle = changed.handle
        } catch {
            refused = refused ?? (error as? GladhandError)
        }
    }

    /// Writes money as the contract emits it, after the member of an entity was set.
    mutating func emit(_ entity: String, _ member: String) {
        do {
            handle = try bridged { try handle.emitted(entity: entity, at: "", member: member) }
        } catch {
            refused = refused ?? (error as? GladhandError)
        }
    }

    /// Takes over a change that could not be made inside a value of this document.
    mutating func refuse(_ error: GladhandError) {
        refused = refused ?? error
    }

    /// This document, if every change to it could be made.
    ///
    /// - Throws: the ``GladhandError`` of the first ``set(_:raw:)`` that failed.
    @discardableResult
    public func validated() throws -> Document {
        if let refused { throw refused }
        return self
    }
}

extension Document: Equatable {
    /// Equal bytes, not equal meaning: `1.0` and `1.00` differ.
    public static func == (left: Document, right: Document) -> Bool {
        left.handle === right.handle || left.json == right.json
    }
}

extension Document: Hashable {
    /// As ``==(_:_:)``: over the bytes.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(json)
    }
}

extension Document: CustomStringConvertible, CustomDebugStringConvertible {
    /// Only the size: documents may hold personal data and have no business in a log. The text is ``json``.
    public var description: String { "Document(\(bytes.count) bytes)" }
    /// As ``description``.
    public var debugDescription: String { description }
}

/// A string as a JSON lexeme, quotes and escapes included.
public func jsonQuote(_ text: String) -> String {
    lenient("\"\"") { try GladhandCore.jsonQuote(text: text) }
}

/// One reference token of a JSON Pointer, escaped (RFC 6901 section 3).
public func pointerEscape(_ token: String) -> String {
    lenient(token) { try GladhandCore.pointerEscape(token: token) }
}

// What the generated models stand on beside `Model`: enumerations, instants, free JSON, and how members are read and set.
//
// A model never parses JSON: reading a member asks the core for its lexeme, setting one replaces that member's bytes and no
// others. Models are values: `offer.rate.amount = "1300.00"` changes this copy of the offer.
//
// A member that the contract requires is not optional. Where it is absent all the same, in a document that is still being
// built, it reads as empty; `raw("member")` tells what is there.
import Foundation
internal import GladhandCore

/// A document of the contract.
public protocol ContractModel: Model {
    /// The name in the contract.
    static var entity: String { get }
}

extension ContractModel {
    /// The JSON text of a member, as it stands in the document: `1250.00` keeps its zeros.
    public func raw(_ member: String) -> String? {
        document.raw("/" + pointerEscape(member))
    }

    /// This model, if it keeps the contract's rules. Operations check what they are given; this is for checking earlier.
    ///
    /// - Throws: ``GladhandError`` with the violations; `schemaInvalid`, or the code of the rule that is broken.
    @discardableResult
    public func validated() throws -> Self {
        let handle = try document.validated().handle
        try bridged { try handle.validate(entity: Self.entity) }
        return self
    }

    func read<Member: MemberValue>(_ wire: String) -> Member? {
        Member(at: "/" + wire, in: document)
    }

    func need<Member: MemberValue>(_ wire: String) -> Member {
        read(wire) ?? .missing
    }

    mutating func write<Member: MemberValue>(_ wire: String, _ value: Member?) {
        guard let value else { return document.set("/" + wire, raw: nil) }
        value.store(at: "/" + wire, in: &document)
        document.emit(Self.entity, wire)
    }

    mutating func fill<Member: MemberValue>(_ wire: String, _ value: Member?) {
        if let value { write(wire, value) }
    }
}

/// A string of an enumeration; a value that this version does not know is kept.
public protocol Choice: RawRepresentable, Sendable, Hashable, CustomStringConvertible where RawValue == String {
    /// The value of this text.
    init(rawValue: String)
}

extension Choice {
    /// The text, as the contract writes it.
    public var description: String { rawValue }
}

/// An RFC 3339 instant exactly as it stands in a document, with its offset.
public struct Instant: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The text as written, such as `2026-02-20T08:00:00-06:00`.
    public let lexeme: String

    /// The text as it is to be written. What is no instant is refused by the operation that gets it.
    public init(_ lexeme: String) {
        self.lexeme = lexeme
    }

    /// As ``init(_:)-(String)``.
    public init(stringLiteral value: String) {
        lexeme = value
    }

    /// A point in time, in UTC, to the microsecond.
    public init(_ date: Date) {
        lexeme = Calendar1970.text(micros: Int((date.timeIntervalSince1970 * 1_000_000).rounded()))
    }

    /// The point in time; nil if the text is no instant.
    public var date: Date? {
        Calendar1970.micros(lexeme).map { Date(timeIntervalSince1970: Double($0) / 1_000_000) }
    }

    /// As ``lexeme``.
    public var description: String { lexeme }
}

/// Any JSON value: extensions, addresses, and members that this version does not know. Written as Swift literals, or given
/// as JSON text.
public struct Json: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// The JSON text.
    public let raw: String

    /// JSON text as it stands. What is malformed is refused by the operation that gets it.
    public init(raw: String) {
        self.raw = raw
    }

    /// A number.
    public init(_ number: Number) {
        raw = number.lexemeText
    }

    /// A string.
    public init(_ text: String) {
        raw = jsonQuote(text)
    }

    /// A model.
    public init(_ model: some Model) {
        raw = model.json
    }

    /// A string.
    public init(stringLiteral value: String) {
        raw = jsonQuote(value)
    }

    /// A number.
    public init(integerLiteral value: Int) {
        raw = String(value)
    }

    /// `true` or `false`.
    public init(booleanLiteral value: Bool) {
        raw = value ? "true" : "false"
    }

    /// An array.
    public init(arrayLiteral elements: Json...) {
        raw = "[" + elements.map(\.raw).joined(separator: ",") + "]"
    }

    /// An object, its members in this order.
    public init(dictionaryLiteral elements: (String, Json)...) {
        raw = "{" + elements.map { jsonQuote($0.0) + ":" + $0.1.raw }.joined(separator: ",") + "}"
    }

    /// The value as a document, to read inside it.
    ///
    /// - Throws: ``GladhandError`` with `malformedJson`.
    public func document() throws -> Document {
        try Document(parsing: raw)
    }
}

// What the generated models share. A model holds nothing but its document, so nothing is lost between reading and sending.
import Foundation

/// A typed view over a ``Document``: getters read the carrier's bytes, setters change only the bytes of their member.
///
/// Models are generated from the contract (`Models.generated.swift`). A member that this version does not know is still in
/// ``document``, and goes out again with it.
public protocol Model: Sendable, Hashable, CustomStringConvertible {
    /// What the model is a view of.
    var document: Document { get set }

    /// A view of a document. Nothing is checked: operations check what they are given.
    init(document: Document)
}

extension Model {
    /// Parses one JSON text.
    ///
    /// - Throws: as ``Document/init(parsing:)-(Data)``.
    public init(parsing data: Data) throws {
        self.init(document: try Document(parsing: data))
    }

    /// Parses one JSON text.
    ///
    /// - Throws: as ``Document/init(parsing:)-(Data)``.
    public init(parsing json: String) throws {
        self.init(document: try Document(parsing: json))
    }

    /// The text, byte for byte.
    public var json: String { document.json }

    /// The type and the size: documents may hold personal data and have no business in a log.
    public var description: String { "\(Self.self)(\(document.bytes.count) bytes)" }
}

/// A JSON number exactly as it is written: `1250.00` stays `1250.00`, and 23 digits stay 23 digits.
public struct Number: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    CustomStringConvertible
{
    /// The number as JSON writes it (RFC 8259 section 6).
    public let lexeme: String

    /// A number as it is written, such as `"1250.00"`. What is no number is refused by the operation that gets it.
    public init(_ lexeme: String) {
        self.lexeme = lexeme
    }

    /// As ``init(_:)-(String)``.
    public init(stringLiteral value: String) {
        lexeme = value
    }

    /// The digits of an integer.
    public init(integerLiteral value: Int) {
        lexeme = String(value)
    }

    /// A number with the digits of a `Decimal`.
    public init(decimal value: Decimal) {
        lexeme = NSDecimalNumber(decimal: value).description(withLocale: Locale(identifier: "en_US_POSIX"))
    }

    /// Not there: a binary number has no exact decimals.
    @available(*, unavailable, message: "a Double is no exact decimal: give the digits, such as \"1250.00\"")
    public init(_ value: Double) {
        lexeme = ""
    }

    /// The value for calculating, where `Decimal`'s 38 digits hold it.
    public var decimal: Decimal? { Decimal(string: lexeme, locale: Locale(identifier: "en_US_POSIX")) }

    /// The nearest binary value, for drawing; never for money.
    public var double: Double? { Double(lexeme) }

    /// As ``lexeme``.
    public var description: String { lexeme }
}

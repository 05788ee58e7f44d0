// How each kind of member is read from and written to a document; used by the generated models only.
import Foundation

/// What a member of a model can be.
protocol MemberValue {
    /// The value at a pointer, if such a value stands there.
    init?(at pointer: String, in document: Document)
    /// The JSON text.
    var lexemeText: String { get }
    /// What a required member that is absent reads as.
    static var missing: Self { get }
    /// A change inside the value that could not be made.
    var refusedChange: GladhandError? { get }
    /// Puts the value where it belongs; every other byte stays.
    func store(at pointer: String, in document: inout Document)
}

extension MemberValue {
    var refusedChange: GladhandError? { nil }

    func store(at pointer: String, in document: inout Document) {
        document.set(pointer, raw: lexemeText)
        if let refusedChange { document.refuse(refusedChange) }
    }
}

extension String: MemberValue {
    init?(at pointer: String, in document: Document) {
        guard let text = document.text(pointer) else { return nil }
        self = text
    }
    var lexemeText: String { jsonQuote(self) }
    static var missing: String { "" }
}

extension Int: MemberValue {
    init?(at pointer: String, in document: Document) {
        guard let value = document.number(pointer).flatMap({ Int($0) }) else { return nil }
        self = value
    }
    var lexemeText: String { String(self) }
    static var missing: Int { 0 }
}

extension Bool: MemberValue {
    init?(at pointer: String, in document: Document) {
        guard let value = document.boolean(pointer) else { return nil }
        self = value
    }
    var lexemeText: String { self ? "true" : "false" }
    static var missing: Bool { false }
}

extension Number: MemberValue {
    init?(at pointer: String, in document: Document) {
        guard let lexeme = document.number(pointer) ?? document.text(pointer) else { return nil }
        self.init(lexeme)
    }
    // What is no number goes out as a string, so that validation names it.
    var lexemeText: String { isPlain ? lexeme : jsonQuote(lexeme) }
    static var missing: Number { Number("") }

    private var isPlain: Bool {
        let parts = lexeme.drop { $0 == "-" }.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        return !lexeme.hasPrefix("--")
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }
            && (parts[0] == "0" || !parts[0].hasPrefix("0"))
    }
}

extension Instant: MemberValue {
    init?(at pointer: String, in document: Document) {
        guard let lexeme = document.text(pointer) else { return nil }
        self.init(lexeme)
    }
    var lexemeText: String { jsonQuote(lexeme) }
    static var missing: Instant { Instant("") }
}

extension Json: MemberValue {
    var lexemeText: String { raw }
    init?(at pointer: String, in document: Document) {
        guard let raw = document.raw(pointer) else { return nil }
        self.init(raw: raw)
    }
    static var missing: Json { Json(raw: "null") }
}

extension Array: MemberValue where Element: MemberValue {
    init?(at pointer: String, in document: Document) {
        guard document.raw(pointer)?.hasPrefix("[") == true, let count = document.count(pointer) else { return nil }
        var items: [Element] = []
        for place in 0..<count {
            guard let item = Element(at: "\(pointer)/\(place)", in: document) else { return nil }
            items.append(item)
        }
        self = items
    }
    var lexemeText: String { "[" + map(\.lexemeText).joined(separator: ",") + "]" }
    static var missing: [Element] { [] }

    /// Only the elements that differ: the others keep their bytes, and the spaces between them stay.
    func store(at pointer: String, in document: inout Document) {
        guard document.raw(pointer)?.hasPrefix("[") == true, let old = document.count(pointer) else {
            document.set(pointer, raw: lexemeText)
            if let refusedChange { document.refuse(refusedChange) }
            return
        }
        for (place, element) in enumerated() {
            if place >= old {
                document.set("\(pointer)/-", raw: element.lexemeText)
                if let refused = element.refusedChange { document.refuse(refused) }
            } else if document.raw("\(pointer)/\(place)") != element.lexemeText {
                element.store(at: "\(pointer)/\(place)", in: &document)
            }
        }
        for place in stride(from: old - 1, through: count, by: -1) {
            document.set("\(pointer)/\(place)", raw: nil)
        }
    }
    var refusedChange: GladhandError? { lazy.compactMap(\.refusedChange).first }
}

extension MemberValue where Self: ContractModel {
    init?(at pointer: String, in document: Document) {
        guard let found = document.extract(pointer), found.json.hasPrefix("{") else { return nil }
        self.init(document: found)
    }
    var lexemeText: String { document.json }
    static var missing: Self { Self(document: .object) }
    var refusedChange: GladhandError? { document.refused }
}

extension MemberValue where Self: Choice {
    init?(at pointer: String, in document: Document) {
        guard let text = document.text(pointer) else { return nil }
        self.init(rawValue: text)
    }
    var lexemeText: String { jsonQuote(rawValue) }
    static var missing: Self { Self(rawValue: "") }
}

/// The proleptic Gregorian calendar in UTC, to the microsecond; Foundation's formatters keep milliseconds only.
enum Calendar1970 {
    static func floorDivide(_ value: Int, _ by: Int) -> Int { (value >= 0 ? value : value - by + 1) / by }
    static func modulo(_ value: Int, _ by: Int) -> Int { value - floorDivide(value, by) * by }

    /// RFC 3339 in UTC.
    static func text(micros total: Int) -> String {
        let (seconds, micros) = (floorDivide(total, 1_000_000), modulo(total, 1_000_000))
        let (days, second) = (floorDivide(seconds, 86_400), modulo(seconds, 86_400))
        // Days from civil, reversed: eras of 400 years that begin in March.
        let shifted = days + 719_468
        let (era, day) = (floorDivide(shifted, 146_097), modulo(shifted, 146_097))
        let yearOfEra = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        let date = pad(year, 4) + "-" + pad(civilMonth, 2) + "-" + pad(dayOfYear - (153 * month + 2) / 5 + 1, 2)
        let time = pad(second / 3_600, 2) + ":" + pad(second / 60 % 60, 2) + ":" + pad(second % 60, 2)
        return date + "T" + time + (micros == 0 ? "" : "." + pad(micros, 6)) + "Z"
    }

    /// Microseconds since 1970 of an RFC 3339 instant; nil if it is none.
    static func micros(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count else { return nil }
            return bytes[range].reduce(Optional(0)) { sum, byte in
                (48...57).contains(byte) ? sum.map { $0 * 10 + Int(byte) - 48 } : nil
            }
        }
        guard bytes.count >= 20, let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month)
        else { return nil }
        var place = 19
        var fraction = 0
        if bytes[place] == UInt8(ascii: ".") {
            var scale = 100_000
            place += 1
            while place < bytes.count, (48...57).contains(bytes[place]) {
                fraction += (Int(bytes[place]) - 48) * scale
                scale /= 10
                place += 1
            }
        }
        guard place < bytes.count else { return nil }
        var offset = 0
        if bytes[place] != UInt8(ascii: "Z") {
            guard bytes.count == place + 6, let hours = number(place + 1..<place + 3), let minutes = number(place + 4..<place + 6)
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[place] == UInt8(ascii: "-") ? -60 : 60)
        }
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = (floorDivide(shiftedYear, 400), modulo(shiftedYear, 400))
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return (days * 86_400 + hour * 3_600 + minute * 60 + second - offset) * 1_000_000 + fraction
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

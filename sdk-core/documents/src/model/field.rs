//! The kinds of members that an entity can have, as types: `Text<200>`, `Int<1, 200_000>`, `List<Stop, 2, 50>`.

use std::marker::PhantomData;

use rust_decimal::Decimal;

use super::Entity;
use crate::json::{Document, quote};

/// What may stand at a member, for validation and for the generators.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A string of at most `max` characters.
    Text {
        /// Characters.
        max: u32,
    },
    /// An identifier, `[A-Za-z0-9._:-]{1,max}` (contract 3a).
    Id {
        /// Characters.
        max: u32,
    },
    /// A string of exactly this shape, given as a regular expression and its name.
    Pattern {
        /// What the shape is called.
        name: &'static str,
        /// An ECMA-262 regular expression, anchored.
        regex: &'static str,
        /// The check itself.
        matches: fn(&str) -> bool,
    },
    /// An RFC 3339 instant with offset, at most microseconds.
    Instant,
    /// An IANA time zone name.
    Zone,
    /// An integer.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A decimal: a JSON number or a string of one; never a binary float.
    Decimal {
        /// The most digits after the point.
        places: u32,
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Whether `min` and `max` themselves are out of range.
        exclusive: bool,
        /// Whether it is an amount of the `currency` beside it, and goes out with that currency's minor digits.
        money: bool,
    },
    /// A boolean.
    Flag,
    /// A string of an enumeration.
    Choice {
        /// Its name in upper camel case.
        name: &'static str,
        /// What it is.
        doc: &'static str,
        /// The values that this version knows.
        values: &'static [&'static str],
        /// Whether unknown values are kept.
        open: bool,
    },
    /// Another entity.
    Object(fn() -> &'static Entity),
    /// An array.
    List {
        /// Of what.
        of: Box<Kind>,
        /// Fewest elements.
        min: usize,
        /// Most elements.
        max: usize,
    },
    /// Any JSON value; kept, not looked at.
    Any,
}

/// A member's type: how it is described, read and written.
pub trait Field {
    /// What reading gives.
    type Value;
    /// Its description.
    fn kind() -> Kind;
    /// Reads it; `None` if it is absent or not of this kind.
    fn read(document: &Document, pointer: &str) -> Option<Self::Value>;
    /// Its JSON lexeme.
    fn write(value: &Self::Value) -> String;
}

/// A decimal with the lexeme it came as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// The digits as they stand in the document.
    pub fn lexeme(&self) -> &str {
        &self.0
    }

    /// The value; `None` beyond 28 significant digits.
    pub fn decimal(&self) -> Option<Decimal> {
        Decimal::from_str_exact(&self.0).ok()
    }
}

impl From<&str> for Number {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<Decimal> for Number {
    fn from(value: Decimal) -> Self {
        Self(value.to_string())
    }
}

macro_rules! string_field {
    ($($(#[doc = $doc:literal])+ $name:ident $(<const $max:ident: u32>)? => $kind:expr;)+) => {$(
        $(#[doc = $doc])+
        pub struct $name $(<const $max: u32>)?;

        impl $(<const $max: u32>)? Field for $name $(<$max>)? {
            type Value = String;
            fn kind() -> Kind {
                $kind
            }
            fn read(document: &Document, pointer: &str) -> Option<String> {
                document.text(pointer)
            }
            fn write(value: &String) -> String {
                quote(value)
            }
        }
    )+};
}

string_field! {
    /// A string of at most `MAX` characters.
    Text<const MAX: u32> => Kind::Text { max: MAX };
    /// An identifier of at most `MAX` characters.
    Id<const MAX: u32> => Kind::Id { max: MAX };
    /// An RFC 3339 instant.
    Instant => Kind::Instant;
    /// An IANA time zone name.
    Zone => Kind::Zone;
    /// An ISO 4217 currency code.
    Currency => Kind::Pattern { name: "currency", regex: "^[A-Z]{3}$", matches: |s| s.len() == 3 && s.bytes().all(|b| b.is_ascii_uppercase()) };
    /// A Standard Carrier Alpha Code.
    Scac => Kind::Pattern { name: "SCAC", regex: "^[A-Z]{2,4}$", matches: |s| (2..=4).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_uppercase()) };
    /// A SHA-256 digest, 64 lower-case hexadecimal digits.
    Digest => Kind::Pattern { name: "SHA-256 digest", regex: "^[0-9a-f]{64}$", matches: |s| s.len() == 64 && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) };
    /// A CloudEvents sequence: 20 digits, zero-padded (contract 4e).
    Sequence => Kind::Pattern { name: "20-digit sequence", regex: "^[0-9]{20}$", matches: |s| s.len() == 20 && s.bytes().all(|b| b.is_ascii_digit()) };
    /// An identifier of the partner's own making, opaque to us (contract 3a).
    Opaque => Kind::Pattern { name: "text of 1 to 128 characters", regex: "^[\\s\\S]{1,128}$", matches: |s| (1..=128).contains(&s.chars().count()) };
    /// A JSON Pointer (RFC 6901).
    Pointer => Kind::Pattern { name: "JSON Pointer", regex: "^(/([^~/]|~[01])*)*$", matches: |s| (s.is_empty() || s.starts_with('/')) && s.split('~').skip(1).all(|rest| rest.starts_with(['0', '1'])) };
    /// A hazard class or division of 49 CFR 172.101, such as `3`, `2.1` or `1.4S`.
    HazardClass => Kind::Pattern { name: "hazard class or division", regex: "^([1-9](\\.[1-6][A-S]?)?|Comb liq)$", matches: hazard_class };
    /// A Harmonized System code: 4 to 10 digits, with or without points.
    HsCode => Kind::Pattern { name: "Harmonized System code", regex: "^[0-9]{4}(\\.?[0-9]{2}){0,3}$", matches: hs_code };
    /// A semantic version.
    Version => Kind::Pattern { name: "semantic version", regex: "^[0-9]+\\.[0-9]+\\.[0-9]+$", matches: |s| s.split('.').count() == 3 && s.split('.').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())) };
    /// A local time of day, `HH:MM`.
    LocalTime => Kind::Pattern { name: "local time HH:MM", regex: "^([01][0-9]|2[0-3]):[0-5][0-9]$", matches: |s| s.len() == 5 && s.as_bytes()[2] == b':' && s[..2].parse::<u8>().is_ok_and(|h| h < 24) && s[3..].parse::<u8>().is_ok_and(|m| m < 60) };
    /// A UN or NA number of 49 CFR 172.101.
    UnNumber => Kind::Pattern { name: "UN number", regex: "^(UN|NA)[0-9]{4}$", matches: |s| s.len() == 6 && (s.starts_with("UN") || s.starts_with("NA")) && s[2..].bytes().all(|b| b.is_ascii_digit()) };
    /// An E.164 telephone number.
    Phone => Kind::Pattern { name: "E.164 telephone number", regex: "^\\+[1-9][0-9]{6,14}$", matches: |s| s.len() >= 8 && s.len() <= 16 && s.starts_with('+') && !s.starts_with("+0") && s[1..].bytes().all(|b| b.is_ascii_digit()) };
}

/// An integer from `MIN` to `MAX`.
pub struct Int<const MIN: i64, const MAX: i64>;

/// An unsigned counter of 32 bits.
pub type Count = Int<0, 4_294_967_295>;
/// An unsigned counter that fits every language's integer (2^53 - 1).
pub type Counter = Int<0, 9_007_199_254_740_991>;

impl<const MIN: i64, const MAX: i64> Field for Int<MIN, MAX> {
    type Value = i64;
    fn kind() -> Kind {
        Kind::Integer { min: MIN, max: MAX }
    }
    fn read(document: &Document, pointer: &str) -> Option<i64> {
        document.integer(pointer)
    }
    fn write(value: &i64) -> String {
        value.to_string()
    }
}

fn hazard_class(text: &str) -> bool {
    if text == "Comb liq" {
        return true;
    }
    match *text.as_bytes() {
        [b'1'..=b'9'] | [b'1'..=b'9', b'.', b'1'..=b'6'] => true,
        [b'1'..=b'9', b'.', b'1'..=b'6', letter] => (b'A'..=b'S').contains(&letter),
        _ => false,
    }
}

fn hs_code(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let Some((heading, mut rest)) = text.split_at_checked(4) else { return false };
    let mut pairs = 0;
    while let Some((pair, next)) = rest.strip_prefix('.').unwrap_or(rest).split_at_checked(2) {
        if !digits(pair) {
            return false;
        }
        (rest, pairs) = (next, pairs + 1);
    }
    digits(heading) && rest.is_empty() && pairs <= 3
}

/// A decimal from `MIN` to `MAX` with at most `PLACES` digits after the point.
pub struct Dec<const PLACES: u32, const MIN: i64, const MAX: i64>;

/// Degrees of latitude, at most seven digits after the point.
pub type Latitude = Dec<7, -90, 90>;
/// Degrees of longitude, at most seven digits after the point.
pub type Longitude = Dec<7, -180, 180>;
/// A quantity of something: never negative.
pub type Quantum = Dec<6, 0, 999_999_999_999>;
/// A difference or a temperature: of either sign.
pub type Signed = Dec<6, -999_999_999_999, 999_999_999_999>;

/// An amount of money in the currency beside it: less than 10^12 in size (contract 3a).
pub struct Amount;
/// The price of one unit: as an [`Amount`], but with up to six digits after the point (contract 3a).
pub struct UnitPrice;

macro_rules! decimal_field {
    ($([$($generics:tt)*] $name:ty => $kind:expr;)+) => {$(
        impl $($generics)* Field for $name {
            type Value = Number;
            fn kind() -> Kind {
                $kind
            }
            fn read(document: &Document, pointer: &str) -> Option<Number> {
                let value = document.at(pointer)?;
                value.number().map(str::to_owned).or_else(|| value.text().map(std::borrow::Cow::into_owned)).map(Number)
            }
            fn write(value: &Number) -> String {
                value.0.clone()
            }
        }
    )+};
}

decimal_field! {
    [<const PLACES: u32, const MIN: i64, const MAX: i64>] Dec<PLACES, MIN, MAX>
        => Kind::Decimal { places: PLACES, min: MIN, max: MAX, exclusive: false, money: false };
    [] Amount => Kind::Decimal { places: 6, min: -1_000_000_000_000, max: 1_000_000_000_000, exclusive: true, money: true };
    [] UnitPrice => Kind::Decimal { places: 6, min: -1_000_000_000_000, max: 1_000_000_000_000, exclusive: true, money: false };
}

/// A boolean.
pub struct Flag;

impl Field for Flag {
    type Value = bool;
    fn kind() -> Kind {
        Kind::Flag
    }
    fn read(document: &Document, pointer: &str) -> Option<bool> {
        document.boolean(pointer)
    }
    fn write(value: &bool) -> String {
        value.to_string()
    }
}

/// Any JSON value, as a document of its own.
pub struct Any;

impl Field for Any {
    type Value = Document;
    fn kind() -> Kind {
        Kind::Any
    }
    fn read(document: &Document, pointer: &str) -> Option<Document> {
        document.extract(pointer)
    }
    fn write(value: &Document) -> String {
        value.as_str().to_owned()
    }
}

/// An array of `MIN` to `MAX` elements.
pub struct List<T, const MIN: usize, const MAX: usize>(PhantomData<T>);

impl<T: Field, const MIN: usize, const MAX: usize> Field for List<T, MIN, MAX> {
    type Value = Vec<T::Value>;
    fn kind() -> Kind {
        Kind::List { of: Box::new(T::kind()), min: MIN, max: MAX }
    }
    fn read(document: &Document, pointer: &str) -> Option<Vec<T::Value>> {
        let array = document.at(pointer).filter(|value| value.is_array())?;
        (0..array.len()).map(|position| T::read(document, &format!("{pointer}/{position}"))).collect()
    }
    fn write(value: &Vec<T::Value>) -> String {
        format!("[{}]", value.iter().map(T::write).collect::<Vec<_>>().join(","))
    }
}

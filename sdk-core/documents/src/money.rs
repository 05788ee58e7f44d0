//! Currencies and rounding (contract 3a, 3e).

use rust_decimal::{Decimal, RoundingStrategy};

/// The date of the ISO 4217 table below: amendment 180, with the lev gone and the Caribbean guilder there.
pub const ISO_4217_AS_OF: &str = "2026-01-01";

/// Every currency in which somebody can be paid, by the digits of its minor unit. Without funds, metals, units of account
/// and test codes: no carrier is paid in them.
const MINOR_DIGITS: &[(u32, &[&str])] = &[
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
            "XPF",
        ],
    ),
    (
        2,
        &[
            "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD", "BND", "BOB",
            "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CUP", "CVE", "CZK",
            "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ",
            "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD",
            "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR",
            "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP",
            "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS",
            "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH",
            "USD", "UYU", "UZS", "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
];

/// The digits after the point of a currency's minor unit; `None` if the table does not know it.
pub fn minor_digits(currency: &str) -> Option<u32> {
    MINOR_DIGITS.iter().find(|(_, codes)| codes.contains(&currency)).map(|(digits, _)| *digits)
}

/// Rounds half-even to the currency's minor digits (contract 3e).
pub fn round(amount: Decimal, currency: &str) -> Decimal {
    amount.round_dp_with_strategy(minor_digits(currency).unwrap_or(2), RoundingStrategy::MidpointNearestEven)
}

/// Writes an amount with exactly the currency's minor digits.
pub fn format(amount: Decimal, currency: &str) -> String {
    let digits = minor_digits(currency).unwrap_or(2);
    let mut rounded = round(amount, currency);
    rounded.rescale(digits);
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_even_and_minor_digits() {
        let d = |s: &str| Decimal::from_str_exact(s).unwrap();
        assert_eq!(format(d("1250"), "USD"), "1250.00");
        assert_eq!(format(d("0.125"), "USD"), "0.12");
        assert_eq!(format(d("0.135"), "USD"), "0.14");
        assert_eq!(format(d("99.5"), "JPY"), "100");
        assert_eq!(format(d("1.0005"), "KWD"), "1.000");
        assert_eq!(minor_digits("ABC"), None);
        // Gone since 2023 to 2026; funds, metals and the test code are no money to be paid in.
        for code in ["HRK", "BGN", "ANG", "ZWL", "CHW", "XAU", "XTS", "XXX", "usd"] {
            assert_eq!(minor_digits(code), None, "{code}");
        }
        let codes: Vec<_> = MINOR_DIGITS.iter().flat_map(|(_, codes)| codes.iter()).collect();
        assert_eq!(codes.len(), 155);
        assert_eq!(codes.iter().collect::<std::collections::HashSet<_>>().len(), codes.len());
    }
}

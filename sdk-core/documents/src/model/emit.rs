//! A member that was set, as the contract emits it (3a): an amount of money goes out as a number with exactly the minor digits
//! of its currency. What came from the wire and is left alone keeps its lexeme; nothing is rounded.

use super::{Entity, Kind};
use crate::error::{Code, Error, Result, Violation};
use crate::json::Document;
use crate::money::minor_digits;

/// The document after the member of an entity at `at` was set, or, without a member, after the whole entity was built. An
/// amount gets its currency's digits; a new currency gives its digits to the amounts beside it that have no more than it has.
/// Errors: `schema_invalid` for an amount with more digits than its currency has.
pub fn emitted(entity: &Entity, document: Document, at: &str, member: Option<&str>) -> Result<Document> {
    match member {
        None => amounts(entity, document, |document, name| amount(document, at, name)),
        Some("currency") => amounts(entity, document, |document, name| {
            Ok(amount(document, at, name).unwrap_or_else(|_| document.clone()))
        }),
        Some(name) if entity.member(name).is_some_and(|member| is_money(&member.kind)) => amount(&document, at, name),
        Some(_) => Ok(document),
    }
}

fn is_money(kind: &Kind) -> bool {
    matches!(kind, Kind::Decimal { money: true, .. })
}

fn amounts(
    entity: &Entity,
    document: Document,
    change: impl Fn(&Document, &str) -> Result<Document>,
) -> Result<Document> {
    let mut money = entity.members.iter().filter(|member| is_money(&member.kind));
    money.try_fold(document, |document, member| change(&document, member.name))
}

/// What is absent, no plain number, or of an unknown currency stays as it is: validation names it.
fn amount(document: &Document, at: &str, member: &str) -> Result<Document> {
    let pointer = format!("{at}/{member}");
    let Some(lexeme) = document.number(&pointer) else { return Ok(document.clone()) };
    let Some(currency) = document.text(&format!("{at}/currency")) else { return Ok(document.clone()) };
    let Some(digits) = minor_digits(&currency) else { return Ok(document.clone()) };
    let (whole, fraction) = lexeme.split_once('.').unwrap_or((lexeme, ""));
    if lexeme.contains(['e', 'E']) || (fraction.len() == digits as usize && lexeme.contains('.') == (digits > 0)) {
        return Ok(document.clone());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > digits as usize {
        let message = format!("has more digits after the point than {currency} has ({digits}): round it first");
        let violation = Violation { path: pointer.clone(), code: "precision".to_owned(), message: message.clone() };
        return Err(Error::new(Code::SchemaInvalid, format!("{pointer} {message}")).with_violations(vec![violation]));
    }
    let point = if digits > 0 { "." } else { "" };
    document.patch(&pointer, &format!("{whole}{point}{fraction:0<width$}", width = digits as usize))
}

#[cfg(test)]
mod tests {
    use super::super::Model as _;
    use super::super::capacity::{Money, Rate};
    use super::*;

    fn set(text: &str, member: &str, raw: &str) -> Result<String> {
        let document = Document::parse(text).unwrap().patch(&format!("/{member}"), raw).unwrap();
        emitted(Rate::entity(), document, "", Some(member)).map(|document| document.as_str().to_owned())
    }

    #[test]
    fn an_amount_gets_its_currencys_digits() {
        let usd = r#"{"currency":"USD","amount":1250.0}"#;
        for (given, emitted) in [("1300", "1300.00"), ("1300.5", "1300.50"), ("0.100", "0.10"), ("-0", "-0.00")] {
            assert_eq!(set(usd, "amount", given).unwrap(), format!(r#"{{"currency":"USD","amount":{emitted}}}"#));
        }
        let yen = r#"{"currency":"JPY","amount":1}"#;
        assert_eq!(set(yen, "amount", "1300.00").unwrap(), r#"{"currency":"JPY","amount":1300}"#);
        let dinar = r#"{"currency":"KWD","amount":1}"#;
        assert_eq!(set(dinar, "amount", "1.5").unwrap(), r#"{"currency":"KWD","amount":1.500}"#);
    }

    #[test]
    fn nothing_is_rounded() {
        let error = set(r#"{"currency":"USD","amount":1.00}"#, "amount", "1.005").unwrap_err();
        assert_eq!((error.code(), error.violations()[0].path.as_str()), (Code::SchemaInvalid, "/amount"));
        assert!(error.to_string().contains("USD"), "{error}");
    }

    #[test]
    fn what_is_left_alone_keeps_its_lexeme() {
        let text = r#"{ "currency":"USD", "amount": 1250.0, "unitPrice": 1.5 }"#;
        assert_eq!(set(text, "unitPrice", "1.123456").unwrap(), text.replace("1.5", "1.123456"));
        assert_eq!(set(text, "rateVersion", r#""2""#).unwrap(), text.replace(" }", r#","rateVersion":"2" }"#));
        assert_eq!(set(r#"{"amount":1}"#, "amount", "1300").unwrap(), r#"{"amount":1300}"#, "of no currency yet");
        assert_eq!(set(r#"{"currency":"XXX"}"#, "amount", "7").unwrap(), r#"{"currency":"XXX","amount":7}"#);
    }

    #[test]
    fn a_currency_gives_its_digits_where_none_is_lost() {
        let usd = r#"{"currency":"USD","amount":1250.00,"linehaul":0.50}"#;
        assert_eq!(set(usd, "currency", r#""JPY""#).unwrap(), r#"{"currency":"JPY","amount":1250,"linehaul":0.50}"#);
    }

    #[test]
    fn what_was_built_in_any_order_is_emitted_alike() {
        let given = Document::parse(r#"{"amount":1300,"currency":"USD"}"#).unwrap();
        assert_eq!(
            emitted(Money::entity(), given, "", None).unwrap().as_str(),
            r#"{"amount":1300.00,"currency":"USD"}"#
        );
        let broken = Document::parse(r#"{"amount":1.005,"currency":"USD"}"#).unwrap();
        assert_eq!(emitted(Money::entity(), broken, "", None).unwrap_err().code(), Code::SchemaInvalid);
    }

    #[test]
    fn the_rust_view_emits_alike() {
        let mut money = Money::parse(r#"{"currency":"USD","amount":1250.0}"#).unwrap();
        assert_eq!(money.document().as_str(), r#"{"currency":"USD","amount":1250.0}"#);
        money.set_amount("1300");
        assert_eq!(money.document().as_str(), r#"{"currency":"USD","amount":1300.00}"#);
    }
}

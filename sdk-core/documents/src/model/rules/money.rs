//! Currencies and sums (contract 3e, 3f).

use rust_decimal::Decimal;

use super::{decimal, items, push, text};
use crate::error::Violation;
use crate::json::Value;
use crate::money;

/// The currency is in the ISO 4217 table.
pub fn currency(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    if text(value, "currency").is_some_and(|code| money::minor_digits(&code).is_none()) {
        let why = format!("must be an ISO 4217 currency code (table of {})", money::ISO_4217_AS_OF);
        push(out, &format!("{path}/currency"), "currency_unknown", why);
    }
}

/// One currency throughout; line haul, fuel and accessorials add up to the amount, where line haul is given.
pub fn rate(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let Some(currency) = text(value, "currency") else { return };
    same_currency(value.get("minimum"), &currency, &format!("{path}/minimum"), out);
    let accessorials = items(value, "accessorials");
    for (place, line) in accessorials.iter().enumerate() {
        same_currency(line.get("amount"), &currency, &format!("{path}/accessorials/{place}/amount"), out);
    }
    let amounts = value.get("linehaul").and_then(decimal).zip(value.get("amount").and_then(decimal));
    let Some((linehaul, amount)) = amounts else { return };
    // What fuel costs per mile or by a table, only its own amount says.
    let Some(fuel) = fuel(value.get("fuelSurcharge"), linehaul) else { return };
    let lines = accessorials.iter().filter_map(|line| decimal(line.get("amount")?.get("amount")?));
    let sum = [linehaul, fuel]
        .into_iter()
        .chain(lines)
        .try_fold(Decimal::ZERO, |sum, line| sum.checked_add(money::round(line, &currency)));
    if sum != Some(amount) {
        let sum = sum.map_or_else(|| "beyond all money".to_owned(), |sum| money::format(sum, &currency));
        push(out, &format!("{path}/amount"), "rate_sum_mismatch", format!("must be {sum}, the sum of its lines"));
    }
}

fn fuel(fuel: Option<Value<'_>>, linehaul: Decimal) -> Option<Decimal> {
    let Some(fuel) = fuel else { return Some(Decimal::ZERO) };
    if let Some(amount) = fuel.get("amount").and_then(decimal) {
        return Some(amount);
    }
    match text(fuel, "method").as_deref() {
        Some("included") => Some(Decimal::ZERO),
        Some("percent") => {
            linehaul.checked_mul(fuel.get("value").and_then(decimal)?)?.checked_div(Decimal::ONE_HUNDRED)
        }
        _ => None,
    }
}

/// A cap is in the currency of the charge.
pub fn accessorial(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    if let Some(currency) = value.get("amount").and_then(|amount| text(amount, "currency")) {
        same_currency(value.get("cap"), &currency, &format!("{path}/cap"), out);
    }
}

/// One currency throughout; the lines add up to the total (contract 3f).
pub fn invoice(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let Some(total) = value.get("total") else { return };
    let Some(currency) = text(value, "currency").or_else(|| text(total, "currency")) else { return };
    same_currency(Some(total), &currency, &format!("{path}/total"), out);
    let mut sum = Some(Decimal::ZERO);
    for (place, line) in items(value, "lines").into_iter().enumerate() {
        let Some(amount) = line.get("amount") else { continue };
        same_currency(Some(amount), &currency, &format!("{path}/lines/{place}/amount"), out);
        let line = amount.get("amount").and_then(decimal).unwrap_or_default();
        sum = sum.and_then(|sum| sum.checked_add(money::round(line, &currency)));
    }
    if sum != total.get("amount").and_then(decimal) {
        let sum = sum.map_or_else(|| "beyond all money".to_owned(), |sum| money::format(sum, &currency));
        push(out, &format!("{path}/total/amount"), "rate_sum_mismatch", format!("must be {sum}, the sum of its lines"));
    }
}

fn same_currency(money: Option<Value<'_>>, currency: &str, path: &str, out: &mut Vec<Violation>) {
    if money.and_then(|money| text(money, "currency")).is_some_and(|own| own != currency) {
        push(out, &format!("{path}/currency"), "currency_mixed", format!("must be {currency}, as the rest"));
    }
}

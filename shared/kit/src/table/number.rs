//! DynamoDB's numbers: decimals of up to 38 digits, compared by value and kept in a plain form.

use std::cmp::Ordering;

/// A number taken apart: `0.digits × 10^exponent`, digits without zeros at either end.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

/// Whether DynamoDB would take `text` as a number: well-formed, within 38 digits and its range.
pub(super) fn is_valid(text: &str) -> bool {
    parse(text).is_some_and(|n| {
        n.digits.len() <= 38 && (n.digits.is_empty() || (-129..=126).contains(&n.exponent))
    })
}

/// Compares two numbers by value. Malformed text, which no table holds, compares as 0.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let zero = || Decimal { negative: false, digits: Vec::new(), exponent: 0 };
    let (left, right) = (parse(left).unwrap_or_else(zero), parse(right).unwrap_or_else(zero));
    match (left.sign(), right.sign()) {
        (l, r) if l != r => l.cmp(&r),
        (0, _) => Ordering::Equal,
        (sign, _) => {
            let magnitude =
                left.exponent.cmp(&right.exponent).then_with(|| left.digits.cmp(&right.digits));
            if sign < 0 { magnitude.reverse() } else { magnitude }
        }
    }
}

/// `text + n`, if `text` is a whole number of at most 38 digits.
pub(super) fn add(text: &str, n: i64) -> Option<String> {
    let whole = text.parse::<i128>().ok()?.checked_add(i128::from(n))?.to_string();
    is_valid(&whole).then_some(whole)
}

impl Decimal {
    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

fn parse(text: &str) -> Option<Decimal> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let leading = digits.iter().take_while(|digit| **digit == b'0').count();
    let trailing = digits[leading..].iter().rev().take_while(|digit| **digit == b'0').count();
    Some(Decimal {
        negative,
        exponent: i64::from(exponent) + whole.len() as i64 - leading as i64,
        digits: digits[leading..digits.len() - trailing].to_vec(),
    })
}

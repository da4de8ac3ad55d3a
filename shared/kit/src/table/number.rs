//! DynamoDB's numbers: decimals of up to 38 digits, compared by value and kept in a plain form.

use std::{cmp::Ordering, fmt};

/// The most significant digits a number has.
const MAX_DIGITS: usize = 38;

/// A number taken apart: `0.digits × 10^exponent`, digits without zeros at either end.
#[derive(Clone)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

/// Whether DynamoDB would take `text` as a number: well-formed, within 38 digits and its range. Zero
/// is judged by where its last digit stands.
pub(super) fn is_valid(text: &str) -> bool {
    is_plain(text)
        || parse(text)
            .is_some_and(|n| n.digits.len() <= MAX_DIGITS && (-129..=126).contains(&n.exponent))
}

/// A valid number as DynamoDB writes it: no exponent, no `+`, no zero that says nothing.
pub(super) fn plain(text: &str) -> Option<String> {
    if is_plain(text) {
        return Some(text.to_owned());
    }
    parse(text).map(|n| n.to_string())
}

/// What DynamoDB counts for a number, in bytes: two digits each, before and behind the point apart.
pub(super) fn size(text: &str) -> usize {
    let Some(n) = parse(text) else { return text.len() };
    let whole = usize::try_from(n.exponent).unwrap_or(0).min(n.digits.len());
    let sign = usize::from(n.sign() < 0);
    1 + sign + whole.div_ceil(2) + (n.digits.len() - whole).div_ceil(2)
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

/// `text + n` exactly, if DynamoDB can hold that.
pub(super) fn add(text: &str, n: i64) -> Option<String> {
    let sum = parse(text)?.plus(&parse(&n.to_string())?);
    let held = sum.digits.len() <= MAX_DIGITS && (-129..=126).contains(&sum.exponent);
    held.then(|| sum.to_string())
}

/// The spelling that most numbers have: a whole one, which no other text is equal to.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    (1..=18).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && (digits[0] != b'0' || text == "0")
}

impl Decimal {
    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// The sum, exactly: digit by digit from the highest place of either to the lowest.
    fn plus(&self, other: &Self) -> Self {
        let (left, right) = match (self.sign(), other.sign()) {
            (0, _) => return other.clone(),
            (_, 0) => return self.clone(),
            _ => (self, other),
        };
        let top = left.exponent.max(right.exponent) + 1;
        let lowest = |n: &Self| n.exponent - n.digits.len() as i64;
        let bottom = lowest(left).min(lowest(right));
        // The digit at 10^place, with its sign.
        let digit = |n: &Self, place: i64| {
            let at = usize::try_from(n.exponent - 1 - place).ok();
            let digit = at.and_then(|at| n.digits.get(at)).map_or(0, |digit| digit - b'0');
            if n.negative { -i16::from(digit) } else { i16::from(digit) }
        };
        let mut sums: Vec<i16> =
            (bottom..top).map(|place| digit(left, place) + digit(right, place)).collect();
        let negative = sums.iter().rev().find(|sum| **sum != 0).is_some_and(|sum| *sum < 0);
        if negative {
            sums.iter_mut().for_each(|sum| *sum = -*sum);
        }
        let mut carry = 0;
        for sum in &mut sums {
            *sum += carry;
            carry = sum.div_euclid(10);
            *sum = sum.rem_euclid(10);
        }
        let digits = sums.iter().rev().map(|sum| b'0' + sum.unsigned_abs() as u8).collect();
        Self::trimmed(negative, digits, top)
    }

    /// `0.digits × 10^exponent` without the zeros at either end. The exponent of zero is that of its
    /// last digit, were it a 1.
    fn trimmed(negative: bool, mut digits: Vec<u8>, exponent: i64) -> Self {
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        if leading == digits.len() {
            let exponent = exponent - leading as i64 + 1;
            return Self { negative: false, digits: Vec::new(), exponent };
        }
        digits.drain(..leading);
        digits.truncate(digits.len() - digits.iter().rev().take_while(|d| **d == b'0').count());
        Self { negative, digits, exponent: exponent - leading as i64 }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        let sign = if self.negative { "-" } else { "" };
        let zeros = |n: i64| "0".repeat(usize::try_from(n).unwrap_or(0));
        let point = usize::try_from(self.exponent).unwrap_or(0).min(self.digits.len());
        let (whole, fraction) = self.digits.split_at(point);
        let [whole, fraction] = [whole, fraction].map(String::from_utf8_lossy);
        match (whole.is_empty(), fraction.is_empty()) {
            (true, _) => write!(f, "{sign}0.{}{fraction}", zeros(-self.exponent)),
            (_, true) => write!(f, "{sign}{whole}{}", zeros(self.exponent - point as i64)),
            _ => write!(f, "{sign}{whole}.{fraction}"),
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
    let exponent = i64::from(exponent) + whole.len() as i64;
    Some(Decimal::trimmed(negative, digits, exponent))
}

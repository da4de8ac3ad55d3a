//! JSON number text → a double, only where the double stands for exactly that decimal.
//!
//! EventBridge compares numbers as doubles but refuses to lose anything on the way: 300, 300.0 and
//! 3.0e2 are one number, while 9007199254740993 is not 9007199254740992. So a text is comparable
//! when the shortest decimal that names its double is the text's own value.

/// The double for `text` (a valid JSON number) if nothing is lost, else `None`.
pub(crate) fn exact(text: &str) -> Option<f64> {
    let (digits, exponent) = decimal(text)?;
    let value: f64 = text.parse().ok()?;
    // Up to 15 digits always survive the way to a double and back, away from its far ends.
    let surely = digits.len() <= 15 && (-290..290).contains(&exponent);
    if surely || shortest_is(value, &digits, exponent) {
        // Adding zero turns -0 into 0: they are one number here.
        return Some(value + 0.0);
    }
    None
}

/// Significant digits without zeros at either end, and the power of ten of the last one.
/// `None` if the exponent is beyond counting (then it is beyond a double, too).
fn decimal(text: &str) -> Option<(Vec<u8>, i64)> {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0i64),
        Some((mantissa, exponent)) => {
            let all_zero = mantissa.bytes().all(|b| matches!(b, b'0' | b'.'));
            (mantissa, if all_zero { 0 } else { exponent.parse().ok()? })
        }
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: Vec<u8> =
        whole.bytes().chain(fraction.bytes()).skip_while(|b| *b == b'0').collect();
    let mut power = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    while digits.last() == Some(&b'0') {
        digits.pop();
        power = power.checked_add(1)?;
    }
    if digits.is_empty() {
        power = 0;
    }
    Some((digits, power))
}

fn shortest_is(value: f64, digits: &[u8], exponent: i64) -> bool {
    value.is_finite()
        && decimal(&format!("{value:e}")).is_some_and(|(d, e)| d == digits && e == exponent)
}

#[cfg(test)]
mod tests {
    use super::exact;

    #[track_caller]
    fn same(a: &str, b: &str) {
        assert_eq!(exact(a).expect(a), exact(b).expect(b), "{a} and {b}");
    }

    #[test]
    fn spellings_of_one_value_are_one_number() {
        same("300", "3.0e2");
        same("300.0", "30e1");
        same("-0.0", "0");
        same("0e99999999999999999999", "0");
        same("0.1", "1E-1");
        same("1.0000000000000000000", "1");
        same("1e23", "100000000000000000000000");
        same("5e-324", "0.5e-323");
    }

    #[test]
    fn what_a_double_would_round_is_not_comparable() {
        for text in [
            "9007199254740993",
            "123456789012345678901",
            "0.1000000000000000055511151231257827",
            "1e400",
            "-1e400",
            "1e-400",
            "4.9e-324",
            "1e99999999999999999999",
        ] {
            assert_eq!(exact(text), None, "{text}");
        }
    }
}

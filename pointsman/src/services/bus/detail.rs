//! What `Detail` of an event may be.

/// Most levels of objects and arrays.
const MAX_LEVELS: usize = 1_000;

/// Whether this is the text of a JSON object, nested no deeper than EventBridge takes, with whole numbers of 64 bits.
pub(super) fn is_good(detail: &str) -> bool {
    // Skipping a value needs no stack for its levels.
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(detail).is_ok();
    detail.trim_start().starts_with('{') && is_json() && is_within_limits(detail)
}

/// Of JSON that is valid.
fn is_within_limits(json: &str) -> bool {
    let (mut levels, mut rest) = (0, json.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = behind_text(rest),
            b'{' | b'[' => levels += 1,
            b'}' | b']' => levels -= 1,
            b'-' | b'0'..=b'9' => {
                let more = rest
                    .iter()
                    .take_while(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
                let (more, behind) = rest.split_at(more.count());
                rest = behind;
                if !is_number_of_64_bits(byte, more) {
                    return false;
                }
            }
            _ => {}
        }
        if levels > MAX_LEVELS {
            return false;
        }
    }
    true
}

/// What follows a text's closing quote.
fn behind_text(mut rest: &[u8]) -> &[u8] {
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => return after,
            b'\\' => after.get(1..).unwrap_or_default(),
            _ => after,
        };
    }
    rest
}

/// Whether a whole number fits; one with a fraction or an exponent does.
fn is_number_of_64_bits(first: u8, more: &[u8]) -> bool {
    if more.len() < 18 || more.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return true;
    }
    let text: String = std::iter::once(&first).chain(more).map(|byte| char::from(*byte)).collect();
    text.parse::<i64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_a_json_object_within_limits() {
        let nested = |n: usize| format!("{}{}", r#"{"a":["#.repeat(n / 2), "]}".repeat(n / 2));
        for good in [
            "{}",
            " {\"a\" : \"}]\\\"{{[[99999999999999999999\" } ",
            r#"{"a":[9223372036854775807,-9223372036854775808,1E40,99999999999999999999.0]}"#,
            &nested(1_000),
        ] {
            assert!(is_good(good), "{good}");
        }
        let too_deep = nested(1_002);
        for bad in [
            "",
            "[]",
            "{",
            "{}{}",
            r#"{"a":9223372036854775808}"#,
            r#"{"a":-9223372036854775809}"#,
            &too_deep,
        ] {
            assert!(!is_good(bad), "{bad}");
        }
    }
}

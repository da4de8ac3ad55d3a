//! `wildcard` text → the literal pieces between its stars.

/// A compiled wildcard: pieces that must occur in this order, the first and last anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wildcard {
    /// One more than there are stars; inner pieces are never empty, as `**` is refused.
    pieces: Vec<String>,
}

impl Wildcard {
    /// Reads wildcard text. `\*` and `\\` are the only escapes; the error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Wildcard, String> {
        let mut pieces = vec![String::new()];
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let literal = match c {
                '*' => {
                    if chars.peek().is_some_and(|(_, next)| *next == '*') {
                        return Err(format!("Consecutive wildcard characters at pos {at}"));
                    }
                    pieces.push(String::new());
                    continue;
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('*' | '\\'))) => escaped,
                    _ => return Err(format!("Invalid escape character at pos {at}")),
                },
                other => other,
            };
            if let Some(piece) = pieces.last_mut() {
                piece.push(literal);
            }
        }
        Ok(Wildcard { pieces })
    }

    /// How many stars there are.
    pub(crate) fn stars(&self) -> usize {
        self.pieces.len() - 1
    }

    /// Whether the whole of `value` fits. Taking each inner piece at its first place is enough:
    /// an earlier end never leaves less room for the rest.
    pub(crate) fn matches(&self, value: &str) -> bool {
        let [first, inner @ .., last] = &self.pieces[..] else {
            return self.pieces.first().is_some_and(|only| only == value);
        };
        let Some(rest) = value.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        for piece in inner {
            match rest.find(piece.as_str()) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Wildcard;

    #[track_caller]
    fn check(wildcard: &str, value: &str, expected: bool) {
        let compiled = Wildcard::parse(wildcard).expect("a valid wildcard");
        assert_eq!(compiled.matches(value), expected, "{wildcard} on {value:?}");
    }

    #[test]
    fn a_wildcard_is_anchored_at_both_ends() {
        check("", "", true);
        check("*", "", true);
        check("a*", "ba", false);
        check("*a", "ab", false);
        check("a*a", "a", false);
        check("a*a", "aa", true);
        check("*b*c*d", "bcdd", true);
        check("a*b*b", "ab", false);
        check("a\\*b", "a*b", true);
        check("a\\*b", "axb", false);
        check("a?c", "abc", false);
        check("é*", "é\n", true);
    }

    #[test]
    fn a_wildcard_of_many_stars_stays_quick() {
        let wildcard = "*a".repeat(500) + "b";
        check(&wildcard, &"a".repeat(20_000), false);
    }

    #[test]
    fn bad_escapes_and_double_stars_are_refused() {
        for text in ["a**b", "***", "\\", "a\\", "a\\b"] {
            assert!(Wildcard::parse(text).is_err(), "{text}");
        }
    }
}

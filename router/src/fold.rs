//! Ignore-case text → the two spellings each character may have.
//!
//! EventBridge folds the pattern, not the event: every character of the pattern stands for its own
//! lower case or its own upper case, neither ASCII only nor Unicode case folding. So `ß` stands for
//! `ß` and `SS` (its upper case), and `ss` stands for no `ß`.

/// Text to compare without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fold {
    text: String,
    letters: Vec<Letter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Letter {
    Same(char),
    Either(String, String),
}

impl Fold {
    pub(crate) fn new(text: &str) -> Fold {
        let letters = text.chars().map(Letter::new).collect();
        Fold { text: text.to_owned(), letters }
    }

    /// The text as the pattern spells it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn equals(&self, value: &str) -> bool {
        self.strip_prefix(value) == Some("")
    }

    pub(crate) fn is_prefix_of(&self, value: &str) -> bool {
        self.strip_prefix(value).is_some()
    }

    pub(crate) fn is_suffix_of(&self, value: &str) -> bool {
        let mut rest = value;
        self.letters.iter().rev().all(|letter| match letter.strip(rest, |r, s| r.strip_suffix(s)) {
            Some(shorter) => {
                rest = shorter;
                true
            }
            None => false,
        })
    }

    fn strip_prefix<'v>(&self, value: &'v str) -> Option<&'v str> {
        self.letters
            .iter()
            .try_fold(value, |rest, letter| letter.strip(rest, |r, s| r.strip_prefix(s)))
    }
}

impl Letter {
    fn new(c: char) -> Letter {
        let lower: String = c.to_lowercase().collect();
        let upper: String = c.to_uppercase().collect();
        if lower == upper { Letter::Same(c) } else { Letter::Either(lower, upper) }
    }

    fn strip<'v>(
        &self,
        rest: &'v str,
        take: impl Fn(&'v str, &str) -> Option<&'v str>,
    ) -> Option<&'v str> {
        match self {
            Letter::Same(c) => take(rest, c.encode_utf8(&mut [0; 4])),
            Letter::Either(lower, upper) => take(rest, lower).or_else(|| take(rest, upper)),
        }
    }
}

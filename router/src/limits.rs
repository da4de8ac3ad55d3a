//! How large a pattern may be.

/// Bounds on a pattern; a pattern beyond one is refused with an error that names it.
///
/// [`Limits::default`] keeps parsing and matching safe and is otherwise generous;
/// [`Limits::aws`] refuses what EventBridge is known to refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Characters in the pattern's text. None by default; AWS: 2,048 (can be raised by request).
    pub characters: Option<usize>,
    /// Objects and arrays inside one another, at most. 512 by default.
    pub depth: usize,
    /// Alternatives that all `$or` together multiply to. 4,096 by default; AWS documents no figure.
    pub or_alternatives: usize,
    /// Fields in one alternative. 1,024 by default; AWS's matcher: 256.
    pub fields: usize,
    /// Stars in one wildcard. None by default, as matching is linear in them. AWS refuses a
    /// wildcard by a complexity it does not publish, so no figure is set for it either.
    pub wildcard_stars: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            characters: None,
            depth: 512,
            or_alternatives: 4_096,
            fields: 1_024,
            wildcard_stars: None,
        }
    }
}

impl Limits {
    /// The limits of EventBridge rules.
    pub fn aws() -> Self {
        Limits { characters: Some(2_048), or_alternatives: 1_000, fields: 256, ..Limits::default() }
    }
}

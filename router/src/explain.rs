//! Why a rule did not match: the first field that failed, what was found, what was wanted.

use std::fmt;

use serde::Serialize;

use crate::condition::{Condition, join};
use crate::error::EventError;
use crate::matcher::Judge;

/// What became of one rule.
///
/// ```
/// use pointsman_router::{Pattern, Rules};
///
/// let rules = Rules::new();
/// rules.insert("big orders", Pattern::parse(r#"{"detail": {"total": [{"numeric": [">", 100]}]}}"#)?);
/// let verdicts = rules.explain(br#"{"detail": {"total": "250"}}"#)?;
/// assert_eq!(
///     verdicts[0].to_string(),
///     r#"big orders: no match: detail.total is "250", the wrong type, wanted a number > 100"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verdict<Id> {
    /// The rule.
    pub id: Id,
    /// Whether it matched.
    pub matched: bool,
    /// Why not; `None` if it matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// The first field, in the order of the pattern's text, that kept an event from matching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The field, its names joined by dots.
    pub path: String,
    /// The JSON text found there, shortened if long; several values are separated by commas.
    /// For an object or an empty array, where a value is wanted: `{…}` or `[]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// The conditions of the pattern, in words.
    pub wanted: String,
    /// For [`FailureKind::DifferentElements`]: the fields that are not met in one element.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// How many alternatives the pattern's `$or` make (1 without any). The failure is that of
    /// the alternative with the fewest unmet fields.
    pub alternatives: usize,
}

/// The kind of a [`Failure`]; serialised in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The event has no such field.
    Missing,
    /// There is a field, but `exists: false` is wanted.
    Present,
    /// No value is of a type that the pattern could take.
    WrongType,
    /// A value has the right type, but not what is wanted.
    NotEqual,
    /// Each field is met, but in different elements of an array.
    DifferentElements,
}

/// The failure of a rule, or `None` if it matches.
pub(crate) fn explain(judge: Judge<'_, '_>) -> Result<Option<Failure>, EventError> {
    if judge.matches()? {
        return Ok(None);
    }
    let unmet = |fields: &&Vec<usize>| fields.iter().filter(|f| !judge.is_met_alone(**f)).count();
    let Some(nearest) = judge.compiled.alternatives.iter().min_by_key(unmet) else {
        return Ok(None);
    };
    // Fields are numbered in the order of the text.
    match nearest.iter().filter(|field| !judge.is_met_alone(**field)).min() {
        Some(&field) => Ok(Some(unmet_field(judge, field))),
        None => different_elements(judge, nearest),
    }
}

fn unmet_field(judge: Judge<'_, '_>, field: usize) -> Failure {
    let leaves = judge.leaves_of(field);
    let conditions = &judge.field(field).conditions;
    let container = judge.leaves.containers.iter().find(|(node, _)| *node == judge.nodes[field]);
    let (kind, found) = match (leaves, container) {
        ([], None) => (FailureKind::Missing, None),
        ([], Some((_, b'['))) => (FailureKind::Missing, Some("[]".to_owned())),
        ([], Some(_)) => (FailureKind::WrongType, Some("{…}".to_owned())),
        _ => {
            let only_absent = conditions.iter().all(|c| matches!(c, Condition::Absent));
            let right_type =
                leaves.iter().any(|leaf| conditions.iter().any(|c| c.takes_type_of(&leaf.value)));
            let kind = match (only_absent, right_type) {
                (true, _) => FailureKind::Present,
                (_, true) => FailureKind::NotEqual,
                (_, false) => FailureKind::WrongType,
            };
            let mut texts: Vec<String> =
                leaves.iter().take(MOST_VALUES).map(|leaf| shorten(leaf.raw, 120)).collect();
            if leaves.len() > MOST_VALUES {
                texts.push(format!("and {} more", leaves.len() - MOST_VALUES));
            }
            (kind, Some(texts.join(", ")))
        }
    };
    failure(judge, field, kind, found, Vec::new())
}

/// All fields are met, but not together: names the smallest leading part that is not.
fn different_elements(
    judge: Judge<'_, '_>,
    fields: &[usize],
) -> Result<Option<Failure>, EventError> {
    for end in 1..=fields.len() {
        if !judge.alternative_matches(&fields[..end])? {
            let last = fields[end - 1];
            let arrays = judge.arrays_of(last);
            let names = fields[..end]
                .iter()
                .filter(|field| !judge.arrays_of(**field).is_disjoint(&arrays))
                .map(|field| judge.field(*field).path.clone())
                .collect();
            let kind = FailureKind::DifferentElements;
            return Ok(Some(failure(judge, last, kind, None, names)));
        }
    }
    Ok(None)
}

fn failure(
    judge: Judge<'_, '_>,
    field: usize,
    kind: FailureKind,
    found: Option<String>,
    fields: Vec<String>,
) -> Failure {
    let mut wanted = String::new();
    // Writing into a String cannot fail.
    let _ = join(&mut wanted, judge.field(field).conditions.iter());
    Failure {
        kind,
        path: judge.field(field).path.clone(),
        found,
        wanted: shorten(&wanted, 400),
        fields,
        alternatives: judge.compiled.alternatives.len(),
    }
}

/// How many values of one field are shown.
const MOST_VALUES: usize = 5;

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// One line.
impl<Id: fmt::Display> fmt::Display for Verdict<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            None => write!(f, "{}: matches", self.id),
            Some(failure) => write!(f, "{}: no match: {failure}", self.id),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { kind, path, found, wanted, .. } = self;
        let found = found.as_deref().unwrap_or("missing");
        match kind {
            FailureKind::WrongType => {
                write!(f, "{path} is {found}, the wrong type, wanted {wanted}")
            }
            FailureKind::DifferentElements => write!(
                f,
                "{} matched, but in different elements of the array",
                self.fields.join(" and ")
            ),
            _ => write!(f, "{path} is {found}, wanted {wanted}"),
        }
    }
}

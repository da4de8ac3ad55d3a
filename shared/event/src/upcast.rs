//! Old data read by new code: pure steps from one major version of a schema to the next.
//!
//! A minor version needs no step: what it adds has a default in old data and is ignored by old
//! code. Stored events are never rewritten; they are brought up each time they are read.

use crate::SchemaVersion;
use serde_json::Value;
use std::fmt;

/// One step: data of major version `from` becomes data of `from + 1`.
#[derive(Debug, Clone, Copy)]
pub struct Upcaster {
    /// The major version it reads.
    pub from: u32,
    /// The step itself; an error says in a few words what does not fit.
    pub step: fn(Value) -> Result<Value, String>,
}

/// Why data can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It is newer than this code by a major version.
    Newer {
        /// Its version.
        found: SchemaVersion,
        /// The newest that this code reads.
        newest: SchemaVersion,
    },
    /// No step leads on from here.
    NoStep {
        /// Its version.
        found: SchemaVersion,
        /// The major version without a step to the next.
        from: u32,
    },
    /// A step refused it.
    Step {
        /// Its version.
        found: SchemaVersion,
        /// The major version whose step refused.
        from: u32,
        /// What the step said.
        reason: String,
    },
    /// The version is known, but the data is not of its shape.
    Data {
        /// Its version.
        found: SchemaVersion,
        /// What serde said.
        reason: String,
    },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { found, newest } => {
                write!(f, "schema version {found} is newer than {newest}, the newest known here")
            }
            Self::NoStep { found, from } => {
                write!(f, "schema version {found} can't be read: no upcaster leads on from {from}")
            }
            Self::Step { found, from, reason } => {
                write!(f, "schema version {found}: upcaster from {from} refused: {reason}")
            }
            Self::Data { found, reason } => write!(f, "schema version {found}: {reason}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Brings `data` from the version `found` to the major version of `newest`.
///
/// # Errors
/// If it is newer by a major version, a step is missing, or a step refuses the data.
pub fn run(
    steps: &[Upcaster],
    found: SchemaVersion,
    newest: SchemaVersion,
    data: Value,
) -> Result<Value, Unreadable> {
    if found.major > newest.major {
        return Err(Unreadable::Newer { found, newest });
    }
    (found.major..newest.major).try_fold(data, |data, from| {
        let upcaster = steps.iter().find(|upcaster| upcaster.from == from);
        let upcaster = upcaster.ok_or(Unreadable::NoStep { found, from })?;
        (upcaster.step)(data).map_err(|reason| Unreadable::Step { found, from, reason })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const V1: SchemaVersion = SchemaVersion::new(1, 4);
    const V2: SchemaVersion = SchemaVersion::new(2, 0);
    const V3: SchemaVersion = SchemaVersion::new(3, 1);

    const STEPS: &[Upcaster] = &[
        Upcaster {
            from: 2,
            step: |data| {
                let watts = data["watts"].as_i64().ok_or("no watts")?;
                Ok(json!({ "milliwatts": watts * 1000 }))
            },
        },
        Upcaster { from: 1, step: |data| Ok(json!({ "watts": data["power"] })) },
    ];

    #[test]
    fn each_version_is_brought_up_step_by_step() {
        let newest = json!({ "milliwatts": 5000 });
        assert_eq!(run(STEPS, V1, V3, json!({ "power": 5 })), Ok(newest.clone()));
        assert_eq!(run(STEPS, V2, V3, json!({ "watts": 5 })), Ok(newest.clone()));
        assert_eq!(run(STEPS, V3, V3, newest.clone()), Ok(newest));
    }

    #[test]
    fn a_newer_minor_version_is_read_and_a_newer_major_one_is_not() {
        let data = json!({ "new": true });
        assert_eq!(run(STEPS, SchemaVersion::new(3, 9), V3, data.clone()), Ok(data.clone()));
        let found = SchemaVersion::new(4, 0);
        let error = run(STEPS, found, V3, data).unwrap_err();
        assert_eq!(error, Unreadable::Newer { found, newest: V3 });
        assert!(error.to_string().contains("4.0 is newer than 3.1"), "{error}");
    }

    #[test]
    fn a_missing_step_and_a_refusing_one_name_their_version() {
        let missing = run(&STEPS[1..], V1, V3, json!({})).unwrap_err();
        assert_eq!(missing, Unreadable::NoStep { found: V1, from: 2 });
        let refused = run(STEPS, V1, V3, json!({})).unwrap_err();
        assert_eq!(refused, Unreadable::Step { found: V1, from: 2, reason: "no watts".into() });
    }
}

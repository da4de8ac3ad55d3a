use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

/// A schema's version, `major.minor`.
///
/// A minor version adds what older readers may ignore and older data may lack; a major version
/// needs an upcaster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaVersion {
    /// Rises when older data no longer fits as it is.
    pub major: u32,
    /// Rises with every compatible change.
    pub minor: u32,
}

impl SchemaVersion {
    /// The version `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that is no `major.minor`: two decimal numbers without sign or leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSchemaVersion(String);

impl fmt::Display for InvalidSchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema version {:?} is not major.minor, as in 1.0", self.0)
    }
}

impl std::error::Error for InvalidSchemaVersion {}

impl FromStr for SchemaVersion {
    type Err = InvalidSchemaVersion;

    fn from_str(text: &str) -> Result<Self, InvalidSchemaVersion> {
        let parsed = text.split_once('.').and_then(|(major, minor)| {
            Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
        });
        // Rendering it again refuses signs and leading zeros, so a version has one spelling.
        parsed
            .filter(|version| version.to_string() == text)
            .ok_or_else(|| InvalidSchemaVersion(text.to_owned()))
    }
}

impl Serialize for SchemaVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SchemaVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::stream::text(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_spelling() {
        assert_eq!("1.10".parse(), Ok(SchemaVersion::new(1, 10)));
        assert!(SchemaVersion::new(1, 10) > SchemaVersion::new(1, 9));
        for wrong in ["", "1", "1.", ".1", "01.0", "1.00", "+1.0", "1.0.0", "v1.0", "1.4294967296"]
        {
            assert!(wrong.parse::<SchemaVersion>().is_err(), "{wrong}");
        }
    }
}

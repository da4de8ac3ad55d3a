use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::{fmt, str::FromStr, sync::Arc};

/// A stream's name, `<type>#<id>`: the partition key of its rows.
///
/// The type is lower-case letters and `-`; the id is anything but empty. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// The stream of type `kind` for `id`.
    ///
    /// # Errors
    /// If `kind` is not made of lower-case letters and `-`, or one of the two is empty.
    pub fn new(kind: &str, id: impl fmt::Display) -> Result<Self, InvalidStreamName> {
        format!("{kind}#{id}").parse()
    }

    /// The type, before the first `#`.
    pub fn kind(&self) -> &str {
        self.0.split_once('#').map_or("", |(kind, _)| kind)
    }

    /// The id, behind the first `#`.
    pub fn id(&self) -> &str {
        self.0.split_once('#').map_or("", |(_, id)| id)
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that names no stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidStreamName(String);

impl fmt::Display for InvalidStreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {:?} is not <type>#<id>, as in order#7", self.0)
    }
}

impl std::error::Error for InvalidStreamName {}

impl FromStr for StreamName {
    type Err = InvalidStreamName;

    fn from_str(text: &str) -> Result<Self, InvalidStreamName> {
        match text.split_once('#') {
            Some((kind, id))
                if !kind.is_empty()
                    && !id.is_empty()
                    && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') =>
            {
                Ok(Self(text.into()))
            }
            _ => Err(InvalidStreamName(text.to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for StreamName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A string out of any deserializer: those that own their values lend none.
pub(crate) fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<std::borrow::Cow<'de, str>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);
    Text::deserialize(deserializer).map(|text| text.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_type_and_an_id() {
        let name: StreamName = "order#a#b".parse().unwrap();
        assert_eq!((name.kind(), name.id()), ("order", "a#b"));
        assert_eq!(StreamName::new("order", "a#b"), Ok(name));
        for wrong in ["", "order", "#1", "order#", "Order#1", "or der#1"] {
            assert!(wrong.parse::<StreamName>().is_err(), "{wrong}");
        }
    }
}

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// The `statusCode` of an answer as an HTTP API takes it. Functions write it first, so little of a long answer is read.
pub(super) fn http_status(answer: &[u8]) -> Option<u16> {
    let mut found = None;
    let mut json = serde_json::Deserializer::from_slice(answer);
    // It ends with an error on purpose where the status has been found.
    let _ = serde::Deserializer::deserialize_map(&mut json, Find(&mut found));
    found
}

struct Find<'a>(&'a mut Option<u16>);

impl<'de> Visitor<'de> for Find<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer with statusCode")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name == "statusCode" {
                *self.0 = Some(map.next_value()?);
                return Err(A::Error::custom("the rest is not needed"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::http_status;

    #[test]
    fn the_status_is_found_wherever_it_stands() {
        for (answer, status) in [
            (r#"{"statusCode":202,"body":"#, Some(202)),
            (r#"{"body":"{}","statusCode":404}"#, Some(404)),
            (r#"{"body":{"statusCode":500}}"#, None),
            (r#"{"statusCode":"x"}"#, None),
            ("[1]", None),
            ("", None),
        ] {
            assert_eq!(http_status(answer.as_bytes()), status, "{answer}");
        }
    }
}

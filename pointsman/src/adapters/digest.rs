//! The MD5 digests that SQS shows beside bodies and attributes, so that clients can check what arrived.

use crate::engine::{Attribute, AttributeValue};
use md5::{Digest, Md5};
use std::collections::BTreeMap;

/// `MD5OfMessageBody`, in lower-case hexadecimal.
pub(crate) fn of_body(body: &[u8]) -> String {
    hex(&Md5::digest(body))
}

/// `MD5OfMessageAttributes`; `None` where there are none.
///
/// Of each attribute, in order of names: name and data type with their lengths, a byte for the kind of value, the
/// value with its length. Lengths are four bytes, the highest first.
pub(crate) fn of_attributes(attributes: &BTreeMap<String, Attribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute.data_type.as_bytes());
        let (kind, value) = match &attribute.value {
            AttributeValue::Text(text) => (1, text.as_bytes()),
            AttributeValue::Bytes(bytes) => (2, bytes.as_slice()),
        };
        digest.update([kind]);
        part(&mut digest, value);
    }
    Some(hex(&digest.finalize()))
}

fn part(digest: &mut Md5, bytes: &[u8]) {
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_that_clients_work_out() {
        assert_eq!(of_body(b"hello"), "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(of_attributes(&BTreeMap::new()), None);
        let attribute = |data_type: &str, value| Attribute { data_type: data_type.into(), value };
        let attributes = BTreeMap::from([
            ("b".to_owned(), attribute("Binary", AttributeValue::Bytes(vec![1, 2]))),
            ("a".to_owned(), attribute("String", AttributeValue::Text("x".into()))),
        ]);
        let mut text = b"\0\0\0\x01a\0\0\0\x06String\x01\0\0\0\x01x".to_vec();
        text.extend_from_slice(b"\0\0\0\x01b\0\0\0\x06Binary\x02\0\0\0\x02\x01\x02");
        assert_eq!(of_attributes(&attributes), Some(of_body(&text)));
    }
}

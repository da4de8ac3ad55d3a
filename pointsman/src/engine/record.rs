use super::context::{Id, InvocationId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a mapping read of a table's stream: no image, but what leads from its writer to what follows from it.
///
/// It is part of a fact: its fields and their order are the journal's format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRecord {
    /// Its sequence number.
    pub sequence: String,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    /// Its keys, as `name=value` with a comma between two.
    pub keys: String,
    /// What wrote it; `None` if that is not known any more.
    pub writer: Option<Writer>,
    /// The mapping's filter wants it.
    pub wanted: bool,
    /// `metadata.id` of the envelope in it, if it holds one.
    pub id: Option<String>,
    /// `metadata.causationId` of the envelope in it.
    pub causation: Option<String>,
    /// Without an envelope: checksums of the longer texts in it, by which a copy is known again.
    pub marks: Vec<u64>,
}

/// What wrote a table's record. As text: `invocation:7`, or `request:` and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Writer {
    /// A request from outside, by its request id.
    Request(Id),
    /// A function during an invocation.
    Invocation(InvocationId),
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Writer::Request(id) => write!(f, "request:{id}"),
            Writer::Invocation(id) => write!(f, "invocation:{}", id.0),
        }
    }
}

impl FromStr for Writer {
    type Err = ();

    fn from_str(text: &str) -> Result<Writer, ()> {
        match text.split_once(':').ok_or(())? {
            ("request", id) => id.parse().map(Writer::Request),
            ("invocation", number) => {
                let number = number.parse().map_err(|_| ())?;
                Ok(Writer::Invocation(InvocationId(number)))
            }
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_reads_back_from_its_text() {
        for writer in [Writer::Invocation(InvocationId(7)), Writer::Request(Id(9))] {
            assert_eq!(writer.to_string().parse(), Ok(writer));
        }
        for text in ["", "request", "request:7", "invocation:x", "timer:1"] {
            assert_eq!(text.parse::<Writer>(), Err(()), "{text}");
        }
    }
}

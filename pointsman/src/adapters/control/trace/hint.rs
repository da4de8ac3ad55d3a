use crate::adapters::lineage::{self, Lineage};
use crate::engine::ReadRecord;
use bytes::Bytes;

/// What something says of its descent, and by what its copies are known. See [`lineage`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) id: Option<String>,
    pub(super) causation: Option<String>,
    pub(super) subject: Option<String>,
    marks: Vec<u64>,
}

impl Hint {
    /// Of an event or a message, if its body is still kept.
    pub(super) fn of_body(body: Option<Bytes>) -> Hint {
        let Some(body) = body else { return Hint::default() };
        let told = lineage::of_body(&body);
        let marks = told.marks.to_vec();
        match told.lineage {
            None => Hint { marks, ..Hint::default() },
            Some(Lineage { id, causation_id: causation, subject }) => {
                Hint { id: Some(id), causation, subject, marks }
            }
        }
    }

    pub(super) fn of_record(record: &ReadRecord) -> Hint {
        let ReadRecord { id, causation, marks, .. } = record.clone();
        Hint { id, causation, subject: None, marks }
    }

    /// This is a copy of `parent`, or names it as its cause.
    pub(super) fn follows(&self, parent: &Hint) -> bool {
        let names = |id: &Option<String>| id.is_some() && (*id == parent.id);
        names(&self.id)
            || names(&self.causation)
            || self.marks.iter().any(|mark| parent.marks.contains(mark))
    }

    pub(super) fn follows_record(&self, record: &ReadRecord) -> bool {
        self.follows(&Hint::of_record(record))
    }

    /// It says where it comes from.
    pub(super) fn is_telling(&self) -> bool {
        self.id.is_some() || self.causation.is_some()
    }
}

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
    whole: Option<u64>,
}

impl Hint {
    /// Of an event or a message, if its body is still kept.
    pub(super) fn of_body(body: Option<Bytes>) -> Hint {
        let Some(body) = body else { return Hint::default() };
        let told = lineage::of_body(&body);
        let (whole, marks) = (Some(told.marks[0]), told.marks.to_vec());
        let Lineage { id, causation_id: causation, subject } = match told.lineage {
            Some(lineage) => lineage,
            None => return Hint { marks, whole, ..Hint::default() },
        };
        Hint { id: Some(id), causation, subject, marks, whole }
    }

    pub(super) fn of_record(record: &ReadRecord) -> Hint {
        let ReadRecord { id, causation, marks, .. } = record.clone();
        Hint { id, causation, marks, ..Hint::default() }
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

    /// The checksum of the whole body, if there is one.
    pub(super) fn whole(&self) -> Option<u64> {
        self.whole
    }

    /// It says where it comes from.
    pub(super) fn is_telling(&self) -> bool {
        self.id.is_some() || self.causation.is_some()
    }
}

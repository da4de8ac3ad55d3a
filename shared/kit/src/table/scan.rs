//! A read of a whole table, in no order, in as many parts at once as there are readers.

use super::Condition;
use std::sync::Arc;

/// Which items of a table are wanted. Every item belongs to one of `segments` parts, all of one
/// partition to the same, and a scan reads one part.
///
/// What is written meanwhile may be found or not; what is there all the while is found once.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The table's name.
    pub table: Arc<str>,
    /// The part that is read, from 0.
    pub segment: u32,
    /// How many parts there are, 1 to 1,000,000. It must stay the same from page to page.
    pub segments: u32,
    /// Only items for which this holds. What it leaves out is read all the same, and paid for.
    pub filter: Option<Condition>,
    /// At most so many items looked at in a page, those that the filter leaves out included.
    pub limit: Option<usize>,
}

impl Scan {
    /// All of `table`.
    pub fn new(table: impl Into<Arc<str>>) -> Self {
        Self { table: table.into(), segment: 0, segments: 1, filter: None, limit: None }
    }

    /// The part `segment` of `of`.
    #[must_use]
    pub fn segment(mut self, segment: u32, of: u32) -> Self {
        (self.segment, self.segments) = (segment, of);
        self
    }

    /// Only items for which `condition` holds.
    #[must_use]
    pub fn only(mut self, condition: Condition) -> Self {
        self.filter = Some(condition);
        self
    }

    /// At most `limit` items looked at in a page.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

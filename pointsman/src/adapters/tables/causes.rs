use std::collections::{HashMap, VecDeque};

/// How many records' writers are remembered, over all tables.
const KEPT: usize = 32_768;

/// Who wrote which record, the oldest forgotten first.
#[derive(Debug, Default)]
pub(super) struct Causes {
    by_record: HashMap<(String, String), String>,
    order: VecDeque<(String, String)>,
}

impl Causes {
    pub(super) fn note(&mut self, table: &str, sequence: &str, cause: &str) {
        let record = (table.to_owned(), sequence.to_owned());
        if self.by_record.insert(record.clone(), cause.to_owned()).is_none() {
            self.order.push_back(record);
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.by_record.remove(&oldest);
            }
        }
    }

    pub(super) fn writer(&self, table: &str, sequence: &str) -> Option<String> {
        self.by_record.get(&(table.to_owned(), sequence.to_owned())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Causes, KEPT};

    #[test]
    fn the_oldest_writers_are_forgotten_first() {
        let mut causes = Causes::default();
        for n in 0..=KEPT {
            causes.note("orders", &n.to_string(), "request");
        }
        assert_eq!(causes.writer("orders", "0"), None);
        assert_eq!(causes.writer("orders", "1").as_deref(), Some("request"));
        assert_eq!(causes.by_record.len(), KEPT);
    }
}

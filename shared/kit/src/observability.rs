//! Log lines and metrics: one JSON object a line on standard output, as CloudWatch Logs reads it.
//!
//! A [`Log`] carries the ids every line repeats (function, request, correlation, event), rendered
//! once; a line costs a few microseconds and one write. There is no global subscriber: who logs was
//! handed its log, so a line always belongs to the invocation and record it is about.
//!
//! ```
//! use pointsman_kit::observability::Log;
//!
//! let (log, lines) = Log::captured("order-view");
//! log.with("eventId", "01J").info("applied").field("version", 3).emit();
//! let line: serde_json::Value = serde_json::from_str(&lines.take()[0]).unwrap();
//! assert_eq!(line["message"], "applied");
//! assert_eq!(line["eventId"], "01J");
//! assert_eq!(line["version"], 3);
//! ```

mod metric;

pub use metric::Unit;

use crate::clock;
use serde::Serialize;
use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

/// Where a function's lines go, with the ids they repeat.
#[derive(Clone)]
pub struct Log {
    function: Arc<str>,
    /// `,"name":value` for each id.
    ids: String,
    sink: Sink,
}

/// One line being made; nothing is written before [`Line::emit`].
#[must_use = "a line is written by `emit`"]
pub struct Line<'a> {
    sink: &'a Sink,
    text: String,
}

/// The lines that a captured log has written, for tests.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

#[derive(Clone)]
enum Sink {
    Stdout,
    Captured(Lines),
}

impl Log {
    /// The log of `function` on standard output.
    pub fn new(function: &str) -> Self {
        Self { function: function.into(), ids: String::new(), sink: Sink::Stdout }
    }

    /// A log that keeps its lines instead of writing them.
    pub fn captured(function: &str) -> (Self, Lines) {
        let lines = Lines::default();
        let sink = Sink::Captured(lines.clone());
        (Self { function: function.into(), ids: String::new(), sink }, lines)
    }

    /// The same log with one more id on every line.
    #[must_use]
    pub fn with(&self, name: &str, value: impl Serialize) -> Self {
        let mut log = self.clone();
        append(&mut log.ids, name, &value);
        log
    }

    /// A line of what happened.
    pub fn info(&self, message: &str) -> Line<'_> {
        self.line("INFO", message)
    }

    /// A line of something unexpected that was coped with.
    pub fn warn(&self, message: &str) -> Line<'_> {
        self.line("WARN", message)
    }

    /// A line of something that was not done and should have been.
    pub fn error(&self, message: &str) -> Line<'_> {
        self.line("ERROR", message)
    }

    fn line(&self, level: &str, message: &str) -> Line<'_> {
        let mut text = String::with_capacity(192 + self.ids.len() + message.len());
        text.push_str("{\"timestamp\":\"");
        text.push_str(&clock::wall().to_string());
        text.push_str("\",\"level\":\"");
        text.push_str(level);
        text.push('"');
        append(&mut text, "message", message);
        append(&mut text, "function", &*self.function);
        text.push_str(&self.ids);
        Line { sink: &self.sink, text }
    }
}

impl Line<'_> {
    /// Adds a field. A value that can't be JSON is given as the error's text.
    pub fn field(mut self, name: &str, value: impl Serialize) -> Self {
        append(&mut self.text, name, &value);
        self
    }

    /// Adds an error as text.
    pub fn cause(self, error: &dyn std::fmt::Display) -> Self {
        self.field("error", error.to_string())
    }

    /// Writes the line.
    pub fn emit(mut self) {
        self.text.push('}');
        self.sink.write(self.text);
    }
}

impl Lines {
    /// The lines so far; they are then forgotten.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink {
    fn write(&self, mut line: String) {
        match self {
            Self::Stdout => {
                line.push('\n');
                // A log that can't be written has nobody to tell.
                let _ = std::io::stdout().lock().write_all(line.as_bytes());
            }
            Self::Captured(lines) => {
                lines.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Log({}{})", self.function, self.ids)
    }
}

fn append(text: &mut String, name: &str, value: &(impl Serialize + ?Sized)) {
    text.push(',');
    text.push_str(&json(name));
    text.push(':');
    text.push_str(&json(value));
}

fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value)
        .unwrap_or_else(|error| serde_json::Value::String(error.to_string()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_whatever_is_in_it() {
        let (log, lines) = Log::captured("f");
        let log = log.with("requestId", "a\"b\n");
        log.error("it said \"no\"\n").field("n", f64::NAN).cause(&"why\u{7}").emit();
        let lines = lines.take();
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].contains('\n'));
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["requestId"], "a\"b\n");
        assert_eq!(line["error"], "why\u{7}");
        assert_eq!(line["n"], serde_json::Value::Null);
        let timestamp = line["timestamp"].as_str().unwrap();
        assert!(timestamp.parse::<pointsman_event::Timestamp>().is_ok(), "{timestamp}");
        assert_eq!(timestamp.len(), "2026-11-21T13:00:00.000Z".len());
    }

    #[test]
    fn ids_stay_with_their_log_and_do_not_leak_into_its_parent() {
        let (log, lines) = Log::captured("f");
        log.with("eventId", 1).info("one").emit();
        log.info("two").emit();
        let lines = lines.take();
        assert!(lines[0].contains("\"eventId\":1"));
        assert!(!lines[1].contains("eventId"));
    }
}

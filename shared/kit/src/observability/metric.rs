//! Metrics in CloudWatch's embedded format: a log line that CloudWatch also counts.

use super::{Log, append};
use crate::clock;

/// The namespace of all of the kit's metrics.
const NAMESPACE: &str = "Pointsman";

/// What a metric's number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
}

impl Log {
    /// Writes a metric `name` by function, with the log's ids as plain fields beside it: they can
    /// be searched, but make no metric of their own (each distinct dimension is billed).
    pub fn metric(&self, name: &str, unit: Unit, value: f64) {
        let mut text = String::with_capacity(256 + self.ids.len());
        text.push_str("{\"_aws\":{\"Timestamp\":");
        text.push_str(&clock::wall().as_ms().to_string());
        text.push_str(",\"CloudWatchMetrics\":[{\"Namespace\":\"");
        text.push_str(NAMESPACE);
        text.push_str("\",\"Dimensions\":[[\"function\"]],\"Metrics\":[{\"Name\":");
        text.push_str(&super::json(name));
        text.push_str(",\"Unit\":\"");
        text.push_str(unit.name());
        text.push_str("\"}]}]}");
        append(&mut text, "function", &*self.function);
        append(&mut text, name, &value);
        text.push_str(&self.ids);
        text.push('}');
        self.sink.write(text);
    }

    /// Counts one of `name`.
    pub fn count(&self, name: &str) {
        self.metric(name, Unit::Count, 1.0);
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Bytes => "Bytes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_names_its_value_and_its_dimension() {
        let (log, lines) = Log::captured("payment");
        log.with("requestId", "r").metric("Charged", Unit::Milliseconds, 12.5);
        let line: serde_json::Value = serde_json::from_str(&lines.take()[0]).unwrap();
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Metrics"][0]["Name"], "Charged");
        assert_eq!(metrics["Metrics"][0]["Unit"], "Milliseconds");
        assert_eq!(metrics["Dimensions"][0][0], "function");
        assert_eq!(line["Charged"], 12.5);
        assert_eq!(line["function"], "payment");
        assert_eq!(line["requestId"], "r");
        assert!(line["_aws"]["Timestamp"].is_i64());
    }
}

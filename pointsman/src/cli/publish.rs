use super::Failure;
use super::client::At;
use clap::Args;
use serde_json::{Value, json};
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

/// Publish an event: from a file, from standard input (-), or from flags
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Publish {
    /// A file with one event, or an array of them: whole events ("source", "detail-type", "detail")
    /// or entries as PutEvents has them ("Source", "DetailType", "Detail")
    #[arg(value_name = "FILE", conflicts_with_all = ["source", "detail_type", "detail"])]
    file: Option<PathBuf>,
    /// The bus
    #[arg(long, value_name = "NAME")]
    bus: Option<String>,
    /// source of the event
    #[arg(long, requires = "detail_type")]
    source: Option<String>,
    /// detail-type of the event
    #[arg(long, requires = "source")]
    detail_type: Option<String>,
    /// detail of the event: a JSON object
    #[arg(long, default_value = "{}", value_name = "JSON")]
    detail: String,
    #[command(flatten)]
    at: At,
}

const EXAMPLES: &str = "\
Examples:
  pointsman publish --bus shop --source shop.orders --detail-type OrderLost
                                          an event without detail; tail says why no rule takes it
  pointsman publish --bus shop event.json     one event of a file, or all of an array
  jq -c '.[0]' events.json | pointsman publish --bus shop -";

impl Publish {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let entries = self.entries()?;
        let mut failed = 0;
        for ten in entries.chunks(10) {
            let answer: Value = self.at.call("AWSEvents.PutEvents", &json!({ "Entries": ten }))?;
            let results = answer["Entries"].as_array().cloned().unwrap_or_default();
            for (entry, result) in ten.iter().zip(results) {
                let what = entry["DetailType"].as_str().unwrap_or("event");
                match result["EventId"].as_str() {
                    Some(id) => println!("{id}  {what}"),
                    None => {
                        failed += 1;
                        let text =
                            |name: &str| result[name].as_str().unwrap_or_default().to_owned();
                        eprintln!(
                            "pointsman: {what}: {}: {}",
                            text("ErrorCode"),
                            text("ErrorMessage")
                        );
                    }
                }
            }
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn entries(&self) -> Result<Vec<Value>, Failure> {
        if let (Some(source), Some(detail_type)) = (&self.source, &self.detail_type) {
            let detail: Value = serde_json::from_str(&self.detail)
                .map_err(|error| format!("--detail is not JSON: {error}"))?;
            let event = json!({ "source": source, "detail-type": detail_type, "detail": detail });
            return Ok(vec![self.entry(event)?]);
        }
        let file = self
            .file
            .as_ref()
            .ok_or("give a FILE, - for standard input, or --source and --detail-type")?;
        let name = file.display();
        let text = if file.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(file)
        };
        let text = text.map_err(|error| format!("{name}: {error}"))?;
        let value: Value =
            serde_json::from_str(&text).map_err(|error| format!("{name}: not JSON: {error}"))?;
        let all = match value {
            Value::Array(all) => all,
            Value::Object(mut one) => match one.remove("Entries") {
                Some(Value::Array(all)) => all,
                _ => vec![Value::Object(one)],
            },
            _ => return Err(format!("{name}: an event is a JSON object")),
        };
        let numbered = all.into_iter().enumerate();
        numbered
            .map(|(n, event)| {
                self.entry(event).map_err(|why| format!("{name}: event {}: {why}", n + 1))
            })
            .collect()
    }

    /// An entry of `PutEvents` from a whole event or from an entry.
    fn entry(&self, event: Value) -> Result<Value, Failure> {
        let field = |names: [&str; 2]| names.iter().find_map(|n| event.get(*n)).cloned();
        let text = |names: [&str; 2]| {
            let found = field(names).ok_or_else(|| format!("{} is missing", names[0]))?;
            found.as_str().map(str::to_owned).ok_or_else(|| format!("{} is not text", names[0]))
        };
        let detail = match field(["detail", "Detail"]) {
            Some(Value::String(text)) => text,
            Some(value) => value.to_string(),
            None => return Err("detail is missing".into()),
        };
        let mut entry = json!({
            "Source": text(["source", "Source"])?,
            "DetailType": text(["detail-type", "DetailType"])?,
            "Detail": detail,
        });
        if let Some(resources) = field(["resources", "Resources"]) {
            entry["Resources"] = resources;
        }
        let bus = self.bus.clone().map(Value::from).or_else(|| event.get("EventBusName").cloned());
        if let Some(bus) = bus {
            entry["EventBusName"] = bus;
        }
        Ok(entry)
    }
}

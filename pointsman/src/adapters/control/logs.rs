//! What functions wrote.

use super::Control;
use super::lines::lines;
use super::rest::sentence;
use super::routes::refuse;
use crate::adapters::runner::{LogLine, Said};
use crate::adapters::wire::Body;
use crate::engine::Id;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

/// A line of a function, as `logs` tells it: JSON in a pipe, text on a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    /// Wall time, RFC 3339 with milliseconds.
    pub at: String,
    /// The function; empty of [`LogKind::Missed`].
    pub function: String,
    /// The request whose invocation it belongs to, if it does to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What it is.
    pub kind: LogKind,
    /// The line, as it stands in CloudWatch.
    pub text: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// `START`
    Start,
    /// `END`
    End,
    /// `REPORT`
    Report,
    /// The engine says what went wrong outside of the function.
    Trouble,
    /// Lines came too fast for whoever follows.
    Missed,
}

/// Which lines are asked for.
#[derive(Default)]
struct Asked {
    functions: BTreeSet<String>,
    /// Milliseconds back from now; without it all that are kept.
    since_ms: Option<i64>,
    text: String,
    /// Also START, END and REPORT.
    all: bool,
    follow: bool,
}

impl Control {
    pub(super) async fn answer_logs(&self, query: Option<&str>) -> Response<Body> {
        let asked = match Asked::read(query.unwrap_or_default()) {
            Ok(asked) => asked,
            Err(why) => return refuse(StatusCode::BAD_REQUEST, &why),
        };
        match self.unknown(&asked).await {
            Ok(None) => self.logs(asked),
            Ok(Some(why)) => refuse(StatusCode::NOT_FOUND, &why),
            Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
        }
    }

    /// Why one of the functions cannot be asked for: there is none of its name, and none has left lines.
    async fn unknown(&self, asked: &Asked) -> Result<Option<String>, String> {
        let known = self.engine.read(|state, _| {
            state.functions.keys().map(ToString::to_string).collect::<BTreeSet<String>>()
        });
        let mut known = known.await.map_err(sentence)?;
        let unknown = asked.functions.iter().find(|name| !known.contains(*name));
        let Some(unknown) = unknown else { return Ok(None) };
        known.extend(self.logs.recent().iter().map(|line| line.function.to_string()));
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let why = format!("there is no function {unknown}, but there are {}", names.join(", "));
        Ok((!known.contains(unknown)).then_some(why))
    }

    fn logs(&self, asked: Asked) -> Response<Body> {
        let (recent, mut follower) = self.logs.recent_and_follow();
        let since = asked.since_ms.map(|ms| self.engine.clock().wall().0.saturating_sub(ms));
        let (lines, response) = lines(256);
        tokio::spawn(async move {
            let recent = recent.iter().filter(|line| since.is_none_or(|since| line.at.0 >= since));
            for line in recent {
                if asked.wants(line) && !lines.send(&view(line)).await {
                    return;
                }
            }
            loop {
                if !asked.follow {
                    return;
                }
                let told = tokio::select! {
                    told = follower.recv() => told,
                    () = lines.closed() => return,
                };
                let view = match told {
                    Ok(line) if asked.wants(&line) => view(&line),
                    Ok(_) => continue,
                    Err(RecvError::Lagged(lines)) => missed(lines),
                    Err(RecvError::Closed) => return,
                };
                if !lines.send(&view).await {
                    return;
                }
            }
        });
        response
    }
}

impl Asked {
    fn read(query: &str) -> Result<Asked, String> {
        let mut asked = Asked::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "function" => {
                    asked.functions.insert(value.into_owned());
                }
                "since" => {
                    let ms = value
                        .parse()
                        .map_err(|_| format!("since={value}: milliseconds are wanted"));
                    asked.since_ms = Some(ms?);
                }
                "text" => asked.text = value.into_owned(),
                "all" => asked.all = value == "true",
                "follow" => asked.follow = value == "true",
                _ => return Err(format!("{name} is none of function, since, text, all, follow")),
            }
        }
        Ok(asked)
    }

    fn wants(&self, line: &Arc<LogLine>) -> bool {
        let is_frame = matches!(line.said, Said::Start | Said::End | Said::Report { .. });
        (self.all || !is_frame)
            && (self.functions.is_empty() || self.functions.contains(&*line.function))
            && (self.text.is_empty()
                || line.to_string().contains(&self.text)
                || is_of(line, &self.text))
    }
}

/// Whether a line is of the request that a text names.
fn is_of(line: &LogLine, text: &str) -> bool {
    text.parse::<Id>().is_ok_and(|id| line.request == Some(id))
}

fn view(line: &LogLine) -> LogView {
    let kind = match &line.said {
        Said::Out(_) => LogKind::Out,
        Said::Err(_) => LogKind::Err,
        Said::Start => LogKind::Start,
        Said::End => LogKind::End,
        Said::Report { .. } => LogKind::Report,
        Said::Trouble(_) => LogKind::Trouble,
    };
    LogView {
        at: line.at.rfc3339_millis(),
        function: line.function.to_string(),
        request: line.request.map(|id| id.to_string()),
        kind,
        text: line.to_string(),
    }
}

fn missed(lines: u64) -> LogView {
    LogView {
        at: String::new(),
        function: String::new(),
        request: None,
        kind: LogKind::Missed,
        text: format!("{lines} lines are missing here: they came too fast"),
    }
}

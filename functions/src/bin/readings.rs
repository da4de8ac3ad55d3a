//! HTTP RecordCpuUsage, in batches; every minute by itself → CpuUsageRecorded, straight to the bus
//!
//! A reading is told, not decided, and many come every second: so it is in no stream, and the bus is
//! its first place. Nobody relays it: what the bus did not take goes back to who told it. The answer
//! is 207 with a result for each reading, in their order:
//!
//! | status | means |
//! |---|---|
//! | 202 | it is on the bus, as the event `eventId` |
//! | 400, 422 | it is refused for the sake of `field`, and will be again |
//! | 503 | it is not known to be on the bus: to be told again (`retryable`) |
//!
//! The event's id follows from host and instant, so nothing has to be remembered to make telling
//! again harmless: it is the same event, and consumers pass over it. A request as a whole is refused
//! if it is no list of 1 to 100 readings, or has more than 64 KiB.
//!
//! Its own schedule invokes it with the time it was due. It then records how busy the machine it runs
//! on is, under its own name: a reading that shows, end to end, that readings flow.

use contract::{
    event::{Cause, Envelope, Event, Place, StreamName, Timestamp},
    reading::{CpuUsageRecorded, MAX_READINGS, RecordCpuUsage, SOURCE, STREAM},
    values::Host,
};
use domain::{
    Refusal,
    reading::{Batch, Verdict, busy},
};
use functions::http::{refused, traceparent};
use pointsman_kit::{
    aws,
    clock::Deadline,
    delivery::Outcome,
    http::{self, Problem, Request, Response},
    ids::derived,
    publisher::{Entry, Publisher},
    runtime::{self, Error, Invocation},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{env, fs, io, thread, time::Duration};

/// The most bytes of a request's body: [`MAX_READINGS`] with the longest names fit in.
const MAX_BYTES: usize = 64 * 1024;

/// What of an invocation is kept for the answer.
const RESERVE: Duration = Duration::from_millis(500);

/// What a request is handled with.
pub(crate) struct Readings {
    pub(crate) publisher: Publisher,
    /// What the machine it runs on is called.
    pub(crate) host: Host,
    /// The text of that machine's `/proc/loadavg`.
    pub(crate) loadavg: fn() -> io::Result<String>,
}

/// What invokes it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Trigger {
    Http(Box<http::Event>),
    Schedule(Tick),
}

/// What the schedule's input is in the template.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tick {
    /// When it was due, whenever it comes.
    scheduled_time: Timestamp,
}

/// A request's body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    readings: Vec<Value>,
}

/// What became of a reading.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fate {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retryable: bool,
}

/// A fate before the bus has spoken.
enum Part {
    Known(Fate),
    /// It is that of this entry.
    Entry(usize),
    /// It is that of the reading at this place.
    SameAs(usize),
}

fn main() -> Result<(), Error> {
    runtime::run("readings", init, handle)
}

async fn init() -> Result<Readings, Error> {
    let config = aws::config().await;
    // Lambda sets it.
    let name = env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| "readings".to_owned());
    Ok(Readings {
        publisher: functions::publisher(&config, &functions::variable("BUS_NAME")?),
        host: name.to_lowercase().replace('_', "-").parse()?,
        loadavg: || fs::read_to_string("/proc/loadavg"),
    })
}

pub(crate) async fn handle(
    readings: &Readings,
    trigger: Trigger,
    invocation: Invocation,
) -> Result<Value, Error> {
    match trigger {
        Trigger::Http(event) => {
            Ok(serde_json::to_value(http::answer(readings, *event, invocation, record).await)?)
        }
        Trigger::Schedule(tick) => readings.tick(&tick, &invocation).await,
    }
}

/// Records a batch.
async fn record(
    readings: &Readings,
    request: Request,
    invocation: &Invocation,
) -> Result<Response, Problem> {
    if request.body.len() > MAX_BYTES {
        return Err(Problem::new(413, &format!("a body has at most {MAX_BYTES} bytes")));
    }
    let Told { readings: told } = request.json()?;
    if told.is_empty() || told.len() > MAX_READINGS {
        let text = format!("there must be 1 to {MAX_READINGS}, not {}", told.len());
        return Err(Problem::unprocessable(&text).at("readings"));
    }
    let cause = Cause::request(&request.id, request.now).traced(traceparent(&request));
    let mut batch = Batch::at(request.now);
    let (mut parts, mut ids, mut entries) = (vec![], vec![], vec![]);
    for (place, told) in told.iter().enumerate() {
        let verdict = http::read::<RecordCpuUsage>(told).map(|told| batch.judge(place, told));
        parts.push(match verdict {
            Err(problem) => Part::Known(Fate::refused(problem)),
            Ok(Verdict::Refused(refusal)) => {
                Part::Known(Fate::refused(refused(&refusal).at(field(&refusal))))
            }
            Ok(Verdict::SameAs(first)) => Part::SameAs(first),
            Ok(Verdict::Recorded(event)) => {
                let (id, entry) = entry(event, &cause, request.now).map_err(internal)?;
                ids.push(id);
                entries.push(entry);
                Part::Entry(entries.len() - 1)
            }
        });
    }
    let outcomes = readings.publish(&entries, invocation.deadline).await;
    let mut fates: Vec<Fate> = Vec::with_capacity(parts.len());
    for part in parts {
        fates.push(match part {
            Part::Known(fate) => fate,
            Part::SameAs(first) => fates[first].clone(),
            Part::Entry(at) => Fate::of(&ids[at], &outcomes[at]),
        });
    }
    let count = |status| fates.iter().filter(|fate| fate.status == status).count();
    let line = invocation.log.info("recorded").field("readings", fates.len());
    line.field("accepted", count(202)).field("unpublished", count(503)).emit();
    Ok(Response::json(207, &json!({ "results": fates })))
}

impl Readings {
    /// Records how busy this machine is.
    async fn tick(&self, tick: &Tick, invocation: &Invocation) -> Result<Value, Error> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let read = (self.loadavg)().map_err(|error| error.to_string());
        let percent = read.and_then(|text| busy(&text, processors).ok_or(text));
        let cpu_percent = match percent {
            Ok(percent) => percent,
            Err(cause) => {
                // Only Linux tells. Trying again would not help.
                invocation.log.warn("this machine does not tell its load").cause(&cause).emit();
                return Ok(json!({ "recorded": false }));
            }
        };
        let at = tick.scheduled_time;
        let cause = Cause::request(&invocation.request_id, at);
        let event = CpuUsageRecorded { host: self.host.clone(), at, cpu_percent };
        let (id, entry) = entry(event, &cause, at)?;
        match self.publish(&[entry], invocation.deadline).await.pop() {
            Some(Outcome::Accepted(_)) => Ok(json!({ "recorded": true, "eventId": id })),
            Some(Outcome::Unsent(failure) | Outcome::Rejected(failure)) => Err(failure.into()),
            None => Err("the bus said nothing".into()),
        }
    }

    async fn publish(&self, entries: &[Entry], deadline: Deadline) -> Vec<Outcome> {
        self.publisher.publish(entries, deadline.earlier(RESERVE)).await
    }
}

/// The event on its way to the bus, and its id.
fn entry(event: CpuUsageRecorded, cause: &Cause, now: Timestamp) -> Result<(String, Entry), Error> {
    let CpuUsageRecorded { host, at, .. } = &event;
    let id = derived(*at, &[CpuUsageRecorded::NAME.as_bytes(), host.as_str().as_bytes()]);
    let stream = StreamName::new(STREAM, format_args!("{host}@{at}"))?;
    let place = Place::new(stream, 1, 0).about(host.as_str());
    let envelope = Envelope::new(id, place, cause, now, event);
    let detail = serde_json::to_string(&envelope)?;
    let mut entry = Entry::new(SOURCE, CpuUsageRecorded::NAME, detail);
    entry.time = Some(envelope.metadata.occurred_at);
    Ok((id.to_string(), entry))
}

impl Fate {
    fn refused(problem: Problem) -> Self {
        let Problem { status, error, code, field, .. } = problem;
        Self { status, event_id: None, error: Some(error), code, field, retryable: false }
    }

    fn of(id: &str, outcome: &Outcome) -> Self {
        let refused = |status, code, failure: &dyn std::fmt::Display| {
            let problem = Problem::new(status, &format!("not published: {failure}")).code(code);
            Self::refused(problem)
        };
        match outcome {
            Outcome::Accepted(_) => Self {
                status: 202,
                event_id: Some(id.to_owned()),
                error: None,
                code: None,
                field: None,
                retryable: false,
            },
            Outcome::Unsent(failure) => {
                Self { retryable: true, ..refused(503, "NotPublished", failure) }
            }
            Outcome::Rejected(failure) => refused(500, "NotPublishable", failure),
        }
    }
}

/// What of a reading is refused.
fn field(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::ReadingContradicted => "cpuPercent",
        _ => "at",
    }
}

fn internal(error: Error) -> Problem {
    Problem::internal(&error.to_string())
}

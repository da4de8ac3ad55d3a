//! EventBridge Scheduler, by REST paths: `/schedules/…` and `/schedule-groups/…`.

mod create_schedule;
mod create_schedule_group;
mod delete_schedule;
mod delete_schedule_group;
mod get_schedule;
mod get_schedule_group;
mod list_schedule_groups;
mod list_schedules;
mod schedule;
mod update_schedule;

use super::ask::Ask;
use super::page;
use super::reply::{Body, JSON, respond};
use super::route::unknown;
use crate::clock::Time;
use crate::engine::Fault;
use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde::Serialize;
use std::collections::BTreeMap;

/// The most items of a list's page, and their number where the request names none.
const PAGE: usize = 100;

/// Whether a path is one of Scheduler's API.
pub(super) fn is_path(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next();
    matches!(first, Some("schedules" | "schedule-groups"))
}

/// The name of the action that a request asks for; empty for none that is served.
pub(super) fn action(parts: &Parts) -> &'static str {
    let segments: Vec<&str> = segments(parts.uri.path()).collect();
    match (&parts.method, &segments[..]) {
        (&Method::POST, ["schedules", _]) => "CreateSchedule",
        (&Method::PUT, ["schedules", _]) => "UpdateSchedule",
        (&Method::GET, ["schedules", _]) => "GetSchedule",
        (&Method::DELETE, ["schedules", _]) => "DeleteSchedule",
        (&Method::GET, ["schedules"]) => "ListSchedules",
        (&Method::POST, ["schedule-groups", _]) => "CreateScheduleGroup",
        (&Method::GET, ["schedule-groups", _]) => "GetScheduleGroup",
        (&Method::DELETE, ["schedule-groups", _]) => "DeleteScheduleGroup",
        (&Method::GET, ["schedule-groups"]) => "ListScheduleGroups",
        _ => "",
    }
}

pub(super) async fn answer(
    ask: &Ask<'_>,
    parts: &Parts,
    body: Bytes,
) -> Result<Response<Body>, Fault> {
    let (path, query) = (parts.uri.path(), Query::of(parts));
    let name = segments(path).nth(1).unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    match action(parts) {
        "CreateSchedule" => create_schedule::answer(ask, &name, &body).await,
        "UpdateSchedule" => update_schedule::answer(ask, &name, &body).await,
        "GetSchedule" => get_schedule::answer(ask, &name, &query).await,
        "DeleteSchedule" => delete_schedule::answer(ask, &name, &query).await,
        "ListSchedules" => list_schedules::answer(ask, &query).await,
        "CreateScheduleGroup" => create_schedule_group::answer(ask, &name, &body).await,
        "GetScheduleGroup" => get_schedule_group::answer(ask, &name).await,
        "DeleteScheduleGroup" => delete_schedule_group::answer(ask, &name, &query).await,
        "ListScheduleGroups" => list_schedule_groups::answer(ask, &query).await,
        _ => Err(unknown(format!("Scheduler's {} {path} is not served here.", parts.method))),
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// The parameters behind the path.
struct Query(BTreeMap<String, String>);

impl Query {
    fn of(parts: &Parts) -> Query {
        let text = parts.uri.query().unwrap_or_default();
        Query(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn group(&self) -> String {
        self.get("groupName").unwrap_or(crate::services::schedule::DEFAULT_GROUP).to_owned()
    }

    fn token(&self) -> Option<String> {
        self.get("clientToken").map(str::to_owned)
    }

    /// `MaxResults` and `NextToken` of a list.
    fn paging(&self) -> Result<(usize, Option<String>), Fault> {
        let limit = match self.get("MaxResults") {
            None => PAGE,
            Some(text) => match text.parse::<usize>() {
                Ok(limit @ 1..=PAGE) => limit,
                _ => {
                    return Err(invalid(format!(
                        "1 validation error detected: Value '{text}' at 'maxResults' failed to satisfy constraint: Member must be from 1 to {PAGE}"
                    )));
                }
            },
        };
        let after = match self.get("NextToken") {
            None => None,
            Some(token) => Some(
                page::decode(token)
                    .ok_or_else(|| invalid("NextToken is not one that this list has given."))?,
            ),
        };
        Ok((limit, after))
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}

/// Seconds since the epoch, as this protocol has times.
fn seconds(time: Time) -> f64 {
    time.0 as f64 / 1_000.0
}

/// An instant from seconds since the epoch.
fn instant(seconds: f64) -> Time {
    Time((seconds * 1_000.0).round() as i64)
}

fn json(ask: &Ask<'_>, reply: &impl Serialize) -> Result<Response<Body>, Fault> {
    let bytes = serde_json::to_vec(reply).map_err(|error| {
        Fault::new("InternalFailure", format!("The reply could not be written: {error}."))
    })?;
    Ok(respond(StatusCode::OK, JSON, ask.id, bytes))
}

/// What an action that has nothing to tell answers.
#[derive(Serialize)]
struct Nothing {}

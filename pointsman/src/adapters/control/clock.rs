//! Engine time, shown and moved by hand.

use super::Control;
use super::rest::{running, sentence};
use super::routes::{refuse, reply};
use crate::adapters::wire::Body;
use crate::clock::Time;
use crate::engine::{
    Asked, Caller, Cause, Choices, Command, Fact, Followed, Follower, State, Timer,
};
use crate::services::{JumpClock, MoveClock};
use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The longest way at once: a hundred years, in milliseconds.
const FARTHEST: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// How the clock shall be moved: by `byMs` milliseconds, or to the instant `toMs`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct MoveTime {
    /// By so many milliseconds.
    pub by_ms: Option<u64>,
    /// To this instant, in milliseconds since 1970.
    pub to_ms: Option<i64>,
    /// In one step: whatever comes due on the way happens at its end.
    pub jump: bool,
}

/// What the clock shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Engine time in milliseconds since 1970.
    pub engine_ms: i64,
    /// Wall time in milliseconds since 1970.
    pub wall_ms: i64,
    /// What comes due next.
    pub next: Option<Next>,
}

/// What comes due next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// When, in milliseconds since 1970.
    pub due_ms: i64,
    /// What then happens.
    pub what: String,
}

/// What happened while the clock was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// Engine time before, in milliseconds since 1970.
    pub from_ms: i64,
    /// Engine time after.
    pub to_ms: i64,
    /// Messages that became visible: a delay or a visibility timeout was over.
    pub visible: u64,
    /// Messages that outlived their queue's retention.
    pub expired: u64,
    /// Messages that were received too often.
    pub dead_lettered: u64,
    /// Asynchronous invocations that were tried again.
    pub retried: u64,
    /// Mappings that had waited long enough: for a fuller batch, or to try a stream's records again.
    pub mappings: u64,
    /// Times of schedules, and of rules with one, that came.
    #[serde(default)]
    pub schedules: u64,
    /// Invocations that began.
    pub invocations: u64,
    /// Items of tables whose time to live was over.
    pub items: u64,
    /// Records of streams that were older than a day.
    pub records: u64,
}

impl Control {
    /// Moves engine time on.
    ///
    /// Without [`MoveTime::jump`] it goes from one due timer to the next, each fires with its own due for `now`, and
    /// what it began (invocations, and what their tables' streams bring) ends before time goes on, as it would on a
    /// day that really passes. With it, all fire at the end, and nothing is waited for.
    ///
    /// # Errors
    /// One sentence: a way back or too far, an invocation that has run for a minute, an engine that has ended.
    pub async fn move_time(&self, wanted: MoveTime) -> Result<Moved, String> {
        let mut news = self.engine.subscribe(None);
        let from = self.engine.read(|_, now| now).await.map_err(sentence)?;
        let by = match (wanted.by_ms, wanted.to_ms.map(Time)) {
            (Some(by), None) => by,
            (None, Some(to)) if to >= from => (to - from).as_millis() as u64,
            (None, Some(to)) => {
                let (to, now) = (to.rfc3339_millis(), from.rfc3339_millis());
                return Err(format!("{to} has passed: engine time is {now}, and never goes back"));
            }
            _ => return Err("byMs or toMs is wanted, and one of them".into()),
        };
        if by > FARTHEST {
            return Err("that is more than a hundred years".into());
        }
        let to = Time(from.0.saturating_add_unsigned(by));
        let mut moved = Moved { from_ms: from.0, ..Moved::default() };
        if wanted.jump {
            self.submit(JumpClock { by_ms: by }).await?;
        } else {
            self.walk(to, &mut moved, &mut news).await?;
        }
        let swept = self.tables.sweep().await.map_err(|error| error.to_string())?;
        if !wanted.jump {
            self.rest().await.map_err(|why| stopped(to, &why))?;
        }
        moved.items = swept.items as u64;
        moved.records = swept.records as u64;
        moved.to_ms = self.engine.read(|_, now| now).await.map_err(sentence)?.0;
        moved.count(&mut news).await;
        Ok(moved)
    }

    /// What the clock shows.
    ///
    /// # Errors
    /// One sentence: the engine has ended.
    pub async fn time(&self) -> Result<Shown, String> {
        let wall_ms = self.engine.clock().wall().0;
        let look = move |state: &State, now: Time| {
            let next = state
                .timers
                .first()
                .map(|(due, timer)| Next { due_ms: due.0, what: told(state, timer) });
            Shown { engine_ms: now.0, wall_ms, next }
        };
        self.engine.read(look).await.map_err(sentence)
    }

    /// From one timer to the next.
    async fn walk(&self, to: Time, moved: &mut Moved, news: &mut Follower) -> Result<(), String> {
        loop {
            self.rest().await.map_err(|why| stopped(self.engine.now(), &why))?;
            moved.count(news).await;
            let look = |state: &State, now: Time| {
                (now, state.offset_ms, state.next_due(), running(state).is_some())
            };
            let (now, offset, due, running) = self.engine.read(look).await.map_err(sentence)?;
            if running {
                // Time went on by itself, and something came due.
                continue;
            }
            if now >= to {
                return Ok(());
            }
            let next = due.map_or(to, |due| due.min(to));
            // Where the wall clock was set back, engine time stands still: that much is to be made up for.
            let stands = Time(self.engine.clock().wall().0.saturating_add(offset)).min(now);
            let by = u64::try_from((next - stands).as_millis()).unwrap_or(u64::MAX);
            self.submit(MoveClock { by_ms: by }).await?;
        }
    }

    async fn submit<C: Command<Reply = ()>>(&self, command: C) -> Result<(), String> {
        let id = Choices::from_seed(self.engine.clock().wall().0 as u64).id();
        let asked = Asked { caller: Caller::Operator, cause: Cause::Request(id) };
        self.engine.submit(command, asked).await.map_err(sentence)
    }

    pub(super) async fn show_clock(&self) -> Response<Body> {
        match self.time().await {
            Ok(shown) => reply(&json!(shown)),
            Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
        }
    }

    pub(super) async fn move_clock(&self, body: &Bytes) -> Response<Body> {
        let wanted = match serde_json::from_slice::<MoveTime>(body) {
            Ok(wanted) => wanted,
            Err(error) => return refuse(StatusCode::BAD_REQUEST, &format!("clock: {error}")),
        };
        match self.move_time(wanted).await {
            Ok(moved) => reply(&json!(moved)),
            Err(why) => refuse(StatusCode::BAD_REQUEST, &why),
        }
    }
}

impl Moved {
    /// Counts what has become durable by now.
    async fn count(&mut self, news: &mut Follower) {
        // What is durable is there at once; what is not yet is none of it.
        let now = async {
            loop {
                tokio::select! {
                    biased;
                    followed = news.next() => match followed {
                        Some(Followed::Item(item)) => self.add(&item.entry.cause, &item.entry.fact),
                        Some(Followed::Dropped(_)) => {}
                        None => return,
                    },
                    () = std::future::ready(()) => return,
                }
            }
        };
        tokio::task::unconstrained(now).await;
    }

    fn add(&mut self, cause: &Cause, fact: &Fact) {
        let timer = *cause == Cause::Timer;
        match fact {
            Fact::Visible { messages, .. } if timer => self.visible += messages.len() as u64,
            Fact::Expired { messages, .. } => self.expired += messages.len() as u64,
            Fact::DeadLettered { .. } => self.dead_lettered += 1,
            Fact::AsyncDue { .. } => self.retried += 1,
            Fact::MappingDue { .. } => self.mappings += 1,
            Fact::ScheduleFired { .. } => self.schedules += 1,
            Fact::RuleTimed { .. } if matches!(cause, Cause::Schedule { .. }) => {
                self.schedules += 1
            }
            Fact::InvocationStarted { .. } => self.invocations += 1,
            _ => {}
        }
    }
}

fn stopped(at: Time, why: &str) -> String {
    let at = at.rfc3339_millis();
    format!("the clock stopped at {at}: {why}; wait for it, or go on with --jump")
}

/// What happens when a timer fires.
fn told(state: &State, timer: &Timer) -> String {
    match timer {
        Timer::Message(queue, _) => format!("a message of {queue} becomes visible"),
        Timer::Retention(queue) => format!("a message of {queue} outlives its retention"),
        Timer::Mapping(mapping) => {
            let function = state.mappings.get(mapping).map(|m| m.spec.function.as_str());
            format!("{} is tried again, or has its batch", function.unwrap_or("a mapping"))
        }
        Timer::Async(event) => {
            let function = state.async_events.get(event).map(|e| &*e.function);
            format!("an invocation of {} is tried again", function.unwrap_or("a function"))
        }
        Timer::Schedule(name) => format!("schedule {name} fires"),
        Timer::Rule(rule) => format!("rule {rule} fires by its schedule"),
        Timer::Firing(id) => {
            let schedule = state.schedules.firings.get(id).map(|firing| &*firing.schedule);
            format!("schedule {} tries its target again", schedule.unwrap_or("that is gone"))
        }
    }
}

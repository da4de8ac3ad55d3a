//! What followed from a request: across functions, tables, buses and queues, and what of it is still waiting.
//!
//! History is read twice. Back, from what is asked for to the requests it began with (`seek`), and on, from those to all
//! that followed (`follow`); what is held grows with the trees and not with history. Causes lead the way. Where an
//! invocation had a batch they name all of it, and then what texts say of their descent decides (`hint`): a record, an
//! event or a message belongs to what it is a copy of, or whose id is its `metadata.causationId`. That is a convention
//! of the crate `pointsman-kit`; without it, all of the batch are possible parents, and the node is marked `joint`.
//!
//! A table's records name what wrote them in memory alone until a mapping has read them, so that a crash between write
//! and read loses the writer. Such a record stands where its `causationId` puts it, and says so.

mod build;
mod follow;
mod hint;
mod key;
mod present;
mod seek;
mod tree;
mod twig;

#[cfg(test)]
mod tests;

pub use tree::{Candidate, Node, Range, Repeat, Stands, Trace, What};

use super::Control;
use super::routes::{refuse, reply};
use super::tail::explain;
use crate::adapters::tables::Tables;
use crate::adapters::wire::Body;
use crate::engine::{Engine, History};
use hyper::{Response, StatusCode};
use present::{Present, Unread};
use serde_json::json;
use std::io;
use std::sync::Arc;

impl Control {
    /// What followed from the request that `id` belongs to: an id of a request, an invocation, an event or a message,
    /// an X-Ray trace id, or any text of a body. If it belongs to several, all of them or the choice.
    ///
    /// # Errors
    /// One sentence: history could not be read, or the engine has ended.
    pub async fn trace(&self, id: &str, all: bool) -> Result<Trace, String> {
        trace(&self.engine, &*self.tables, id, all).await
    }

    pub(super) async fn answer_trace(&self, query: Option<&str>) -> Response<Body> {
        let pairs = || form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let value =
            |name: &str| pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned());
        let Some(id) = value("id").filter(|id| !id.is_empty()) else {
            return refuse(StatusCode::BAD_REQUEST, "trace: id is wanted");
        };
        let all = value("all").is_some_and(|all| all == "true");
        match self.trace(&id, all).await {
            Ok(trace) => reply(&json!(trace)),
            Err(why) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &why),
        }
    }
}

async fn trace(engine: &Engine, tables: &dyn Tables, id: &str, all: bool) -> Result<Trace, String> {
    let present = Present::of(engine).await.map_err(|fault| fault.message)?;
    let (unread, more) = present.unread(tables).await;
    let history = engine.history();
    let wanted = id.to_owned();
    let read = move || read(&history, &wanted, &unread);
    let read = tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?;
    let (mut trace, mut follow) = read.map_err(|error| format!("history: {error}"))?;
    if more {
        trace.notes.push("a stream has more unread records than were looked at".into());
    }
    for (node, bus, event) in std::mem::take(&mut follow.unmatched) {
        let why = explain(engine, bus.to_string(), Some(event)).await;
        if let What::Event { refused, .. } = &mut follow.twigs[node].what {
            *refused = why.map_err(|fault| fault.message)?;
        }
    }
    build::build(&mut trace, &follow, &present, all);
    Ok(trace)
}

/// Both ways through history.
fn read(
    history: &Arc<dyn History>,
    id: &str,
    unread: &[Unread],
) -> io::Result<(Trace, follow::Follow)> {
    let found = seek::seek(&**history, id, unread)?;
    let follow = match found.what {
        Some(_) => follow::follow(&**history, &found.roots, unread)?,
        None => follow::Follow::default(),
    };
    let from = history.oldest();
    let oldest = history.batches_from(from)?.next().transpose()?;
    let oldest = oldest.and_then(|batch| batch.entries().next());
    let since = oldest.map(|(_, entry)| entry.at.rfc3339_millis());
    let mut trace = Trace {
        id: id.to_owned(),
        found: found.what,
        history: Range { from, since },
        ..Trace::default()
    };
    if found.cut {
        trace.notes.push("it is in more places than are followed back: the newest were".into());
    }
    if follow.is_cut() {
        trace.notes.push("more followed from it than is shown".into());
    }
    Ok((trace, follow))
}

//! A whole table read in parts, page by page, until the deadline.

use pointsman_kit::{
    clock::Deadline,
    consumer::Failure,
    retry::Backoff,
    table::{Cursor, Item, Scan, Tables},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::{task::JoinSet, time::timeout_at};

/// How many parts are read at once if nobody says.
const SEGMENTS: u32 = 4;
/// The most parts that one invocation can sensibly read at once.
const MAX_SEGMENTS: u32 = 64;

/// How far each part of a table has been read. Empty before the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Places(Vec<Place>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Place {
    Start,
    /// Behind the item that this cursor's token names.
    After(String),
    Done,
}

/// How a sweep ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swept {
    /// Everything was read.
    Done,
    /// The time was up, or something did not go well, which is then named: it is to be gone on with.
    Stopped(Option<String>),
}

/// Reads all of `scan` from `places` on, `segments` parts at once, and has every page visited. A
/// page whose visit fails, or was not done by the deadline, is visited again: now or, since `places`
/// stays before it, the next time.
///
/// # Errors
/// What can't pass: a table that refuses, a rejecting visit, places that are not of this sweep.
pub async fn sweep(
    tables: &Arc<dyn Tables>,
    scan: &Scan,
    segments: u32,
    places: &mut Places,
    deadline: Deadline,
    mut visit: impl AsyncFnMut(Vec<Item>) -> Result<(), Failure>,
) -> Result<Swept, Failure> {
    let Places(places) = places;
    if !(1..=MAX_SEGMENTS).contains(&segments) {
        return Err(Failure::reject(format!("segments: 1 to {MAX_SEGMENTS}, not {segments}")));
    }
    if places.is_empty() {
        places.resize(segments as usize, Place::Start);
    }
    if places.len() != segments as usize {
        let text = format!("{} places for {segments} segments", places.len());
        return Err(Failure::reject(text));
    }
    let mut backoff = Backoff::until(deadline);
    let mut trouble = None;
    while places.iter().any(|place| *place != Place::Done) {
        let mut reads = JoinSet::new();
        for (segment, place) in (0..segments).zip(&*places) {
            let Some(after) = place.cursor()? else { continue };
            let (tables, scan) = (tables.clone(), scan.clone().segment(segment, segments));
            reads.spawn(async move { (segment, tables.scan(&scan, after.as_ref()).await) });
        }
        let mut well = true;
        // One at a time is visited while the others are read.
        while !reads.is_empty() {
            let read = timeout_at(deadline.instant(), reads.join_next()).await;
            let Ok(Some(read)) = read else { return Ok(Swept::Stopped(trouble)) };
            let (segment, page) = read.map_err(Failure::reject)?;
            let visited = async {
                let page = page.map_err(super::of_table)?;
                visit(page.items).await.map(|()| page.next)
            };
            match timeout_at(deadline.instant(), visited).await {
                Ok(Ok(next)) => {
                    places[segment as usize] =
                        next.map_or(Place::Done, |next| Place::After(next.token()));
                }
                Ok(Err(failure)) if failure.is_reject() => return Err(failure),
                Ok(Err(failure)) => {
                    well = false;
                    trouble = Some(failure.to_string());
                }
                Err(_) => return Ok(Swept::Stopped(trouble)),
            }
        }
        if well {
            trouble = None;
        } else if !backoff.pause().await {
            return Ok(Swept::Stopped(trouble));
        }
    }
    Ok(Swept::Done)
}

impl Place {
    /// Where to go on: `None` if nothing is left, `Some(None)` at the beginning.
    fn cursor(&self) -> Result<Option<Option<Cursor>>, Failure> {
        match self {
            Self::Start => Ok(Some(None)),
            Self::After(token) => {
                Cursor::parse(token).map(|cursor| Some(Some(cursor))).map_err(Failure::reject)
            }
            Self::Done => Ok(None),
        }
    }
}

/// How many parts there are where a call does not say.
pub(super) fn segments() -> u32 {
    SEGMENTS
}

//! The stream of `tail`'s lines.

use super::Control;
use super::line::{Line, What};
use super::lines::lines;
use super::tail::Teller;
use crate::adapters::wire::Body;
use crate::faults::Told;
use hyper::Response;
use tokio::sync::broadcast;

impl Control {
    /// One JSON line for everything that happens, until the client goes.
    pub(super) fn tail(&self, from: Option<u64>) -> Response<Body> {
        let (lines, response) = lines(256);
        let engine = self.engine.clone();
        // Following begins before the answer does: what happens after it is seen.
        let mut follower = engine.subscribe(from);
        let mut faults = self.faults.as_ref().map(|faults| faults.follow());
        tokio::spawn(async move {
            let mut teller = Teller::default();
            let mut last = 0;
            loop {
                let line = tokio::select! {
                    followed = follower.next() => {
                        let Some(followed) = followed else { return };
                        let Ok(line) = teller.tell(&engine, followed).await else { return };
                        line
                    }
                    struck = struck(&mut faults) => {
                        let at = engine.now().rfc3339_millis();
                        Some(Line { seq: last, at, what: What::Fault { what: struck } })
                    }
                    () = lines.closed() => return,
                };
                last = line.as_ref().map_or(last, |line| line.seq);
                if let Some(line) = line
                    && !lines.send(&line).await
                {
                    return;
                }
            }
        });
        response
    }
}

/// The next fault on request that strikes; it is no fact, and stands behind the last one that was told.
async fn struck(faults: &mut Option<broadcast::Receiver<Told>>) -> String {
    let Some(faults) = faults else { return std::future::pending().await };
    loop {
        match faults.recv().await {
            Ok(told) => return told.what,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// `from=N` of a query.
pub(super) fn from(query: Option<&str>) -> Result<Option<u64>, String> {
    let Some(text) = query.and_then(|q| q.strip_prefix("from=")) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("from={text}: the number of a fact is wanted"))
}

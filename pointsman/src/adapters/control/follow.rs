//! The stream of `tail`'s lines.

use super::Control;
use super::line::Line;
use super::tail::Teller;
use crate::adapters::wire::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use std::convert::Infallible;
use tokio_stream::wrappers::ReceiverStream;

impl Control {
    /// One JSON line for everything that happens, until the client goes.
    pub(super) fn tail(&self, from: Option<u64>) -> Response<Body> {
        let (sender, receiver) =
            tokio::sync::mpsc::channel::<Result<Frame<Bytes>, Infallible>>(256);
        let engine = self.engine.clone();
        // Following begins before the answer does: what happens after it is seen.
        let mut follower = engine.subscribe(from);
        tokio::spawn(async move {
            let mut teller = Teller::default();
            loop {
                let followed = tokio::select! {
                    followed = follower.next() => followed,
                    () = sender.closed() => return,
                };
                let Some(followed) = followed else { return };
                let Ok(line) = teller.tell(&engine, followed).await else { return };
                if let Some(line) = line
                    && sender.send(Ok(frame(&line))).await.is_err()
                {
                    return;
                }
            }
        });
        let body = StreamBody::new(ReceiverStream::new(receiver)).boxed_unsync();
        let mut response = Response::new(Either::Right(body));
        let lines = HeaderValue::from_static("application/x-ndjson");
        response.headers_mut().insert(CONTENT_TYPE, lines);
        response
    }
}

/// `from=N` of a query.
pub(super) fn from(query: Option<&str>) -> Result<Option<u64>, String> {
    let Some(text) = query.and_then(|q| q.strip_prefix("from=")) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("from={text}: the number of a fact is wanted"))
}

fn frame(line: &Line) -> Frame<Bytes> {
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    Frame::data(Bytes::from(text))
}

//! An answer of JSON lines, sent as they come.

use crate::adapters::wire::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use std::convert::Infallible;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Where an answer's lines are sent to, until its client goes.
pub(super) struct Lines(mpsc::Sender<Result<Frame<Bytes>, Infallible>>);

/// An answer, and where its lines are sent to; at most `waiting` of them wait for the client.
pub(super) fn lines(waiting: usize) -> (Lines, Response<Body>) {
    let (sender, receiver) = mpsc::channel(waiting);
    let body = StreamBody::new(ReceiverStream::new(receiver)).boxed_unsync();
    let mut response = Response::new(Either::Right(body));
    let lines = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(CONTENT_TYPE, lines);
    (Lines(sender), response)
}

impl Lines {
    /// Sends a line; false if the client has gone.
    pub(super) async fn send(&self, line: &impl Serialize) -> bool {
        let mut text = serde_json::to_vec(line).unwrap_or_default();
        text.push(b'\n');
        self.0.send(Ok(Frame::data(Bytes::from(text)))).await.is_ok()
    }

    /// When the client goes.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }
}

//! What a process needs that runs a function and was not started by the engine.

use super::Control;
use super::routes::{refuse, reply};
use crate::adapters::runner::Lease;
use crate::adapters::wire::Body;
use crate::topology::FunctionSpec;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};
use std::convert::Infallible;
use tokio_stream::wrappers::ReceiverStream;

impl Control {
    /// The variables of a function, which is named by its own name or its binary's: for as long as the engine runs, or,
    /// with `?hold`, as a line that is followed by nothing, until the process is to end or the client goes.
    pub(super) async fn lend(&self, name: &str, query: Option<&str>) -> Response<Body> {
        let Some(function) = self.function(name).await else {
            let why = format!("no function or binary is called {name}");
            return refuse(StatusCode::NOT_FOUND, &why);
        };
        let runner = self.runner.clone();
        if query != Some("hold") {
            return match runner.borrow(&function) {
                Ok(variables) => reply(&object(variables)),
                Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
            };
        }
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
        tokio::spawn(async move {
            let lent = tokio::select! {
                lent = runner.lend(&function) => lent,
                () = sender.closed() => return,
            };
            let Ok(Lease { variables, over }) = lent else { return };
            let line = format!("{}\n", object(variables));
            if sender.send(Ok(Frame::data(line.into()))).await.is_ok() {
                tokio::select! {
                    () = over => {}
                    () = sender.closed() => {}
                }
            }
        });
        let body = StreamBody::new(ReceiverStream::new(receiver)).boxed_unsync();
        let mut response = Response::new(Either::Right(body));
        let lines = HeaderValue::from_static("application/x-ndjson");
        response.headers_mut().insert(CONTENT_TYPE, lines);
        response
    }

    async fn function(&self, name: &str) -> Option<FunctionSpec> {
        let name = name.to_owned();
        let found = self.engine.read(move |state, _| {
            let specs = || state.functions.values().map(|function| &function.spec);
            let named = specs().find(|spec| spec.name == name);
            let named = named.or_else(|| specs().find(|s| s.binary.as_ref() == Some(&name)));
            named.cloned()
        });
        found.await.ok().flatten()
    }
}

fn object(variables: Vec<(String, String)>) -> Value {
    Value::from(variables.into_iter().map(|(n, v)| (n, v.into())).collect::<Map<_, _>>())
}

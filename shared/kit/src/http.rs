//! HTTP requests as API Gateway's HttpApi hands them over (payload 2.0), and answers to them.
//!
//! ```
//! use pointsman_kit::http::{Problem, Request, Response};
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Rename { name: String }
//!
//! fn rename(request: &Request) -> Result<Response, Problem> {
//!     let caller = request.principal()?;
//!     let Rename { name } = request.json()?;
//!     Ok(Response::json(200, &serde_json::json!({ "by": caller.subject, "name": name })))
//! }
//!
//! let request = Request::builder("PUT /names/{id}").param("id", "7").subject("ann");
//! assert_eq!(rename(&request.clone().json(r#"{"name":"x"}"#).build()).unwrap().status, 200);
//! let problem = rename(&request.json(r#"{"name":5}"#).build()).unwrap_err();
//! assert_eq!((problem.status, problem.field.as_deref()), (400, Some("name")));
//! ```

mod principal;
mod request;
mod response;
#[cfg(test)]
mod tests;
mod wire;

pub use principal::Principal;
pub use request::{Builder, Request};
pub use response::{Problem, Response};
pub use wire::{Answer, Event};

use crate::runtime::{Invocation, Watched, watch};

/// Answers one event with `handle`.
///
/// A panic, or no answer before the deadline, is a 503 and a log line, never a broken gateway
/// response; a [`Problem`] of 500 and above is logged with its cause, which the caller never sees.
pub async fn answer<S>(
    state: &S,
    event: Event,
    invocation: Invocation,
    handle: impl AsyncFn(&S, Request, &Invocation) -> Result<Response, Problem>,
) -> Answer {
    let request = match Request::from_event(event) {
        Ok(request) => request,
        Err(problem) => return Response::from(problem).into(),
    };
    let route = request.route.clone();
    let log = invocation.log.with("route", &route).with("gatewayRequestId", &request.id);
    let invocation = Invocation { log, ..invocation };
    let response = match watch(invocation.deadline, handle(state, request, &invocation)).await {
        Watched::Done(Ok(response)) => response,
        Watched::Done(Err(problem)) => {
            if problem.status >= 500 {
                let line = invocation.log.error("request failed").field("status", problem.status);
                line.cause(&problem.cause.as_deref().unwrap_or(&problem.error)).emit();
            }
            problem.into()
        }
        Watched::Panicked(text) => Problem::internal(&format!("panic: {text}")).into(),
        Watched::Late => {
            invocation.log.error("no answer before the deadline").emit();
            Problem::unavailable("the request took too long").into()
        }
    };
    invocation.log.info("answered").field("status", response.status).emit();
    response.into()
}

/// Runs an HTTP function: `init` builds its state once, `handle` answers each request.
///
/// # Errors
/// If `init` fails or the Lambda Runtime API is gone.
#[cfg(feature = "lambda")]
pub fn run<S>(
    function: &str,
    init: impl AsyncFnOnce() -> Result<S, crate::runtime::Error>,
    handle: impl AsyncFn(&S, Request, &Invocation) -> Result<Response, Problem>,
) -> Result<(), crate::runtime::Error> {
    crate::runtime::run(function, init, async |state: &S, event: Event, invocation| {
        Ok(answer(state, event, invocation, &handle).await)
    })
}

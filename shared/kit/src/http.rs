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
pub mod signature;
#[cfg(test)]
mod tests;
mod wire;

pub use principal::Principal;
pub use request::{Builder, Request, read};
pub use response::{Problem, Response};
pub use wire::{Answer, Event};

use crate::runtime::{Invocation, Watched, watch};

/// Answers one event with `handle`.
///
/// A panic is a 500, no answer before the deadline a 503, never a broken gateway response. Each
/// leaves a log line, as every [`Problem`] of 500 and above does: with its cause, which the caller
/// never sees.
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
    let result = match watch(invocation.deadline, handle(state, request, &invocation)).await {
        Watched::Done(result) => result,
        Watched::Panicked(text) => Err(Problem::internal(&format!("panic: {text}"))),
        Watched::Late => {
            let mut late = Problem::unavailable("the request took too long");
            late.cause = Some("no answer before the deadline".to_owned());
            Err(late)
        }
    };
    let response = result.unwrap_or_else(|problem| {
        if problem.status >= 500 {
            let line = invocation.log.error("request failed").field("status", problem.status);
            line.cause(&problem.cause.as_deref().unwrap_or(&problem.error)).emit();
        }
        problem.into()
    });
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

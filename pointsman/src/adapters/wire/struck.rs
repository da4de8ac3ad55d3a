//! Faults on request, as they strike requests.

use super::ask::Ask;
use super::reply::Body;
use super::route::Service;
use crate::engine::Fault;
use crate::faults::{Injected, Point, Request};
use hyper::Response;

/// What becomes of a request instead of its answer.
pub(super) enum Struck {
    /// The service refuses it.
    Refused(Fault),
    /// The connection is closed.
    Lost,
}

/// Before anything of a request is done.
pub(super) async fn before(ask: &Ask<'_>, service: Service, action: &str) -> Result<(), Struck> {
    let Some(struck) = ask.wire.state.faults.strike(Point::Request(request(ask, service, action)))
    else {
        return Ok(());
    };
    match struck {
        Injected::Throttle => {
            Err(Struck::Refused(Fault::new(throttled(service), "Rate exceeded, by a fault.")))
        }
        Injected::Fail => {
            Err(Struck::Refused(Fault::new("InternalFailure", "It failed, by a fault.")))
        }
        Injected::Lose => Err(Struck::Lost),
        Injected::Kill => {
            kill(ask).await;
            Err(Struck::Lost)
        }
        Injected::Delay(_) | Injected::Duplicate(_) | Injected::Crash => Ok(()),
    }
}

/// After what a request asked for is durable; `None` closes the connection.
pub(super) async fn after(
    ask: &Ask<'_>,
    service: Service,
    action: &str,
    response: Response<Body>,
) -> Option<Response<Body>> {
    if !response.status().is_success() {
        return Some(response);
    }
    match ask.wire.state.faults.strike(Point::Answer(request(ask, service, action))) {
        Some(Injected::Lose) => None,
        Some(Injected::Kill) => {
            kill(ask).await;
            None
        }
        _ => Some(response),
    }
}

/// When this returns, the process that sent the request is not there any more, or is none of ours.
async fn kill(ask: &Ask<'_>) {
    if let Some(key) = ask.key {
        ask.wire.state.callers.kill(key).await;
    }
}

fn request<'a>(ask: &'a Ask<'_>, service: Service, action: &'a str) -> Request<'a> {
    let service = match service {
        Service::Events => "events",
        Service::Sqs => "sqs",
        Service::Lambda => "lambda",
        Service::Scheduler => "scheduler",
        Service::Sts => "sts",
        Service::Tables => "dynamodb",
        Service::Unknown => "",
    };
    let invocation = match ask.asked.cause {
        crate::engine::Cause::Invocation(id) => Some(id),
        _ => None,
    };
    Request { service, action, caller: &ask.asked.caller, invocation }
}

/// The code with which a service says that there were too many requests, as its own clients know it.
fn throttled(service: Service) -> &'static str {
    match service {
        Service::Sqs => "RequestThrottled",
        Service::Lambda => "TooManyRequestsException",
        Service::Sts => "Throttling",
        Service::Events | Service::Scheduler | Service::Tables | Service::Unknown => {
            "ThrottlingException"
        }
    }
}

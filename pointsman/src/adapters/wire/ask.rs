use super::WireState;
use super::callers::Key;
use super::credential::Credential;
use super::route::Service;
use crate::clock::Time;
use crate::engine::{Asked, Caller, Cause, Choices, Command, Engine, Fault, Id, State, Writer};
use crate::topology::Region;
use hyper::HeaderMap;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// What all connections share.
pub(super) struct Wire {
    pub(super) state: WireState,
    /// True once the server is shutting down: long polls end.
    pub(super) stopping: watch::Receiver<bool>,
    ids: AtomicU64,
}

impl Wire {
    pub(super) fn new(state: WireState, stopping: watch::Receiver<bool>) -> Self {
        let mut start = [0; 8];
        // Without the system's randomness request ids are still distinct within this process.
        let _ = getrandom::fill(&mut start);
        Wire { state, stopping, ids: AtomicU64::new(u64::from_le_bytes(start)) }
    }

    /// An id for a request.
    pub(super) fn id(&self) -> Id {
        Choices::from_seed(self.ids.fetch_add(1, Ordering::Relaxed)).id()
    }
}

/// One request's circumstances: what an action may use.
pub(super) struct Ask<'a> {
    pub(super) wire: &'a Wire,
    pub(super) id: Id,
    pub(super) asked: Asked,
    /// The access key it was signed with.
    pub(super) key: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// Who asks and why: the access key names the function, the trace header the invocation.
    ///
    /// # Errors
    /// `InvalidSignatureException` for another region, `ExpiredTokenException` for an environment that has ended.
    pub(super) fn new(
        wire: &'a Wire,
        service: Service,
        id: Id,
        headers: &HeaderMap,
        credential: Option<Credential<'a>>,
    ) -> Result<Self, Fault> {
        in_region(&wire.state.region, service, credential)?;
        let callers = &wire.state.callers;
        let (caller, running) = match credential.and_then(|c| callers.of_key(c.key)) {
            None => (credential.map_or(Caller::Operator, |c| Caller::user(c.key)), None),
            Some(Key::Environment { function, invocation }) => {
                (Caller::Function(function), invocation)
            }
            Some(Key::Ended) => {
                return Err(Fault::new(
                    "ExpiredTokenException",
                    "The security token included in the request is expired: its execution environment has ended.",
                ));
            }
        };
        let trace = headers.get("x-amzn-trace-id").and_then(|v| v.to_str().ok());
        let invocation = trace.and_then(|header| callers.of_trace(header)).or(running);
        let cause = invocation.map_or(Cause::Request(id), Cause::Invocation);
        let key = credential.map(|c| c.key);
        Ok(Ask { wire, id, asked: Asked { caller, cause }, key })
    }

    pub(super) fn engine(&self) -> &'a Engine {
        &self.wire.state.engine
    }

    pub(super) fn region(&self) -> &'a Region {
        &self.wire.state.region
    }

    pub(super) async fn submit<C: Command>(&self, command: C) -> Result<C::Reply, Fault> {
        self.engine().submit(command, self.asked.clone()).await
    }

    pub(super) async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(&State, Time) -> R + Send + 'static,
    ) -> Result<R, Fault> {
        self.engine().read(look).await
    }

    /// What the tables remember as the writer of a record.
    pub(super) fn cause(&self) -> String {
        let writer = match &self.asked.cause {
            Cause::Invocation(id) => Writer::Invocation(*id),
            _ => Writer::Request(self.id),
        };
        writer.to_string()
    }
}

/// Refuses what was signed for another region. STS's older clients sign for us-east-1 wherever they are.
fn in_region(
    region: &Region,
    service: Service,
    credential: Option<Credential<'_>>,
) -> Result<(), Fault> {
    let ours = &region.name;
    match credential {
        Some(c) if c.region != ours && !(service == Service::Sts && c.region == "us-east-1") => {
            Err(Fault::new(
                "InvalidSignatureException",
                format!(
                    "Credential should be scoped to a valid region: this engine is {ours}, the request is for {}.",
                    c.region
                ),
            ))
        }
        _ => Ok(()),
    }
}

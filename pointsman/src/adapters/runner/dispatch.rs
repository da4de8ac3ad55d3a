use super::failure;
use super::filter::Filter;
use super::pool::Pool;
use super::settings::Known;
use super::sqs_event::sqs_event;
use super::tasks::Tasks;
use crate::engine::{
    Asked, Body, Caller, Cause, Effect, Engine, Fault, Handed, Invoke, Name, Payload,
};
use crate::services::function::{Finish, Finished};
use crate::services::mapping::Filtered;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

/// Carries invocations from the engine to environments, and their ends back.
pub(super) struct Dispatch {
    pub(super) engine: Engine,
    pub(super) pool: Arc<Pool>,
    pub(super) known: Known,
    pub(super) tasks: Arc<Tasks>,
}

impl Dispatch {
    /// Runs every invocation in a task of its own, so that none waits for another.
    pub(super) async fn run(self, mut effects: UnboundedReceiver<Effect>) {
        let this = Arc::new(self);
        while let Some(effect) = effects.recv().await {
            if let Effect::Invoke(invoke) = effect {
                let this = this.clone();
                let one = this.clone();
                // A refusal means that the engine has ended: nobody is there to be told.
                this.tasks.spawn(async move { drop(one.serve(invoke).await) });
            }
        }
    }

    async fn serve(&self, invoke: Invoke) -> Result<(), Fault> {
        let Invoke { id, request, function, payload, attempt } = &invoke;
        let asked = Asked { caller: Caller::Engine, cause: Cause::Invocation(*id) };
        let end = |finished, payload| {
            self.engine.submit(Finish { id: *id, finished, payload }, asked.clone())
        };
        let event = match self.event(payload).await? {
            Event::Ready(event) => event,
            Event::Broken(reason) => {
                let text = format!("RequestId: {request} Error: {reason}");
                end(failure::failed("Runtime.EventSource", text), Bytes::new()).await?;
                return Ok(());
            }
            Event::Sifted { event, unwanted } => {
                let filtered = Filtered { invocation: *id, messages: unwanted };
                if !self.engine.submit(filtered, asked.clone()).await? {
                    return Ok(());
                }
                let Some(event) = event else {
                    end(Finished::Answered(Bytes::new()), Bytes::new()).await?;
                    return Ok(());
                };
                event
            }
        };
        let settings = self.known.get(|s| s.functions.contains_key(function)).await?;
        let finished = match settings.functions.get(function) {
            Some(spec) => match self.pool.run(spec, *id, *request, &event, *attempt).await {
                Some(finished) => finished,
                None => return Ok(()),
            },
            None => {
                let arn = self.pool.region.function(function);
                failure::failed("ResourceNotFoundException", format!("Function not found: {arn}"))
            }
        };
        end(finished, event).await?;
        Ok(())
    }

    async fn event(&self, payload: &Payload) -> Result<Event, Fault> {
        Ok(match payload {
            Payload::Bytes(bytes) => Event::Ready(bytes.clone()),
            Payload::Stored(body) => match self.body(body) {
                Ok(bytes) => Event::Ready(bytes),
                Err(reason) => Event::Broken(reason),
            },
            Payload::Messages { mapping, queue, messages } => {
                let settings = self.known.get(|s| s.filters.contains_key(mapping)).await?;
                match settings.filters.get(mapping) {
                    Some(Err(reason)) => Event::Broken(format!("mapping {mapping}: {reason}")),
                    Some(Ok(filter)) => self.sift(queue, messages, Some(filter)),
                    // The mapping went, but the batch it had taken is still served.
                    None => self.sift(queue, messages, None),
                }
            }
        })
    }

    fn sift(&self, queue: &Name, messages: &[Handed], filter: Option<&Filter>) -> Event {
        let (mut wanted, mut unwanted) = (Vec::with_capacity(messages.len()), vec![]);
        for message in messages {
            let body = match self.body(&message.body) {
                Ok(body) => String::from_utf8_lossy(&body).into_owned(),
                Err(reason) => return Event::Broken(format!("message {}: {reason}", message.id)),
            };
            if filter.is_none_or(|filter| filter.wants_message(&body)) {
                wanted.push((message, body));
            } else {
                unwanted.push(message.seq);
            }
        }
        let event = (!wanted.is_empty()).then(|| sqs_event(&self.pool.region, queue, &wanted));
        match event {
            Some(event) if unwanted.is_empty() => Event::Ready(event),
            event => Event::Sifted { event, unwanted },
        }
    }

    fn body(&self, body: &Body) -> Result<Bytes, String> {
        self.engine.body(body.id).map_err(|error| format!("its body cannot be read: {error}"))
    }
}

/// What a function is to be given.
enum Event {
    Ready(Bytes),
    /// A filter does not want these messages, and perhaps none at all.
    Sifted {
        event: Option<Bytes>,
        unwanted: Vec<u64>,
    },
    Broken(String),
}

use crate::engine::{
    Cause, Command, Context, Decision, Draft, Effect, Fact, Fault, Id, InvocationId, Invoke as Run,
    Name, Payload, State, Why,
};
use bytes::Bytes;

/// `Invoke` with `RequestResponse`, and every invocation somebody waits for.
///
/// The reply comes when the invocation has durably begun; its end comes as an `Answer`.
#[derive(Debug)]
pub struct Invoke {
    /// The function.
    pub function: Name,
    /// What it gets.
    pub payload: Bytes,
    /// The request to an HTTP API that it answers, if it is for one.
    pub http: Option<HttpCall>,
}

/// A request to an HTTP API.
#[derive(Clone, Debug)]
pub struct HttpCall {
    /// The API.
    pub api: Name,
    /// `POST`
    pub method: String,
    /// Its path, without a query.
    pub path: String,
}

impl Command for Invoke {
    type Reply = (InvocationId, Id);

    fn decide(&self, state: &State, context: &Context) -> Decision<Self::Reply> {
        match existing(state, &self.function) {
            Err(fault) => return Decision::refuse(fault),
            Ok(function) if function.is_throttled() => {
                return Decision::refuse(Fault::new("TooManyRequestsException", "Rate Exceeded."));
            }
            Ok(_) => {}
        }
        let mut draft = Draft::new(state, context);
        if let (Some(HttpCall { api, method, path }), Cause::Request(request)) =
            (self.http.clone(), &context.cause)
        {
            draft.fact(Fact::HttpRequested { request: *request, api, method, path });
        }
        let started = start(
            &mut draft,
            &self.function,
            Why::Request,
            Payload::Bytes(self.payload.clone()),
            1,
        );
        draft.reply(started)
    }
}

/// `Invoke` with `Event`: accepted now, run later, tried again when it fails.
#[derive(Debug)]
pub struct InvokeAsync {
    /// The function.
    pub function: Name,
    /// What it gets.
    pub payload: Bytes,
}

impl Command for InvokeAsync {
    type Reply = Id;

    fn decide(&self, state: &State, context: &Context) -> Decision<Id> {
        if let Err(fault) = existing(state, &self.function) {
            return Decision::refuse(fault);
        }
        let mut draft = Draft::new(state, context);
        let body = draft.body(self.payload.clone());
        let (event, request) = (draft.async_event(), draft.choices.id());
        draft.fact(Fact::AsyncAccepted { event, function: self.function.clone(), body, request });
        draft.reply(request)
    }
}

/// Begins the oldest asynchronous invocation that waits for its turn.
#[derive(Debug)]
pub(crate) struct StartAsync(pub(crate) Name);

impl Command for StartAsync {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        if let Some(function) = state.functions.get(&self.0)
            && !function.is_busy()
            && let Some(event) = function.waiting.first()
            && let Some(waiting) = state.async_events.get(event)
        {
            let why = Why::Async { event: *event, attempt: waiting.attempts + 1 };
            let id = draft.invocation();
            draft.fact(Fact::InvocationStarted {
                id,
                request: waiting.request,
                function: self.0.clone(),
                why,
            });
            draft.effect(Effect::Invoke(Run {
                id,
                request: waiting.request,
                function: self.0.clone(),
                payload: Payload::Stored(waiting.body),
                attempt: waiting.attempts + 1,
            }));
        }
        draft.reply(())
    }
}

/// The function of this name.
///
/// # Errors
/// `ResourceNotFoundException`
pub(crate) fn existing<'a>(state: &'a State, name: &Name) -> Result<&'a super::Function, Fault> {
    state.functions.get(name).ok_or_else(|| {
        Fault::new(
            "ResourceNotFoundException",
            format!("Function not found: {}", state.region.function(name)),
        )
    })
}

/// Begins an invocation: the how manieth try of what it is given, from 1.
pub(crate) fn start(
    draft: &mut Draft<'_>,
    function: &Name,
    why: Why,
    payload: Payload,
    attempt: u32,
) -> (InvocationId, Id) {
    let (id, request) = (draft.invocation(), draft.choices.id());
    draft.fact(Fact::InvocationStarted { id, request, function: function.clone(), why });
    draft.effect(Effect::Invoke(Run { id, request, function: function.clone(), payload, attempt }));
    (id, request)
}

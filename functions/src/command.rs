//! A request that changes a stream: decided on the stream as it is, appended once.
//!
//! One transaction holds the rows and the answer that the same Idempotency-Key gets again, under
//! the version that was decided on and, where there is one, under the guard of another stream. What
//! is refused stores nothing.

use crate::http::{refused, traceparent};
use contract::event::{Cause, EventSet, StreamName};
use domain::Refusal;
use pointsman_kit::{
    http::{Problem, Request, Response},
    idempotency::{Once, Seen},
    observability::Log,
    runtime::Invocation,
    store::{Appended, New, Store},
    transaction::{Transaction, Verdict},
};

/// How often a decision is taken anew when another writer came first.
const DECIDE_AGAIN: usize = 3;

/// One such request.
pub struct Task<'a> {
    store: &'a Store,
    request: &'a Request,
    invocation: &'a Invocation,
    once: Option<Once>,
}

impl<'a> Task<'a> {
    /// A request of `subject`, whose answer is kept in the table `services`.
    ///
    /// A POST needs an Idempotency-Key. A PUT or DELETE does not, being the same when repeated; it
    /// may have one.
    ///
    /// # Errors
    /// 400 if the key is missing or malformed.
    pub fn new(
        store: &'a Store,
        services: &str,
        subject: &str,
        request: &'a Request,
        invocation: &'a Invocation,
    ) -> Result<Self, Problem> {
        let keyed = request.method == "POST" || request.header("idempotency-key").is_some();
        let key = keyed.then(|| request.idempotency_key()).transpose()?;
        // The path counts as content: the same words about another order are another request.
        let content = [request.path.as_bytes(), b"\n", &request.body].concat();
        let (route, now) = (&request.route, request.now);
        let once = key.map(|key| Once::request(services, subject, route, key, &content, now));
        Ok(Self { store, request, invocation, once })
    }

    /// Decides on the stream's events and appends what follows, while `guard`'s guard is not set;
    /// anew if another writer came first. `answer` gets the version the stream then has.
    ///
    /// # Errors
    /// The refusal; 409 if the guard is set ([`Refusal::PaymentRequested`]) or the race is lost
    /// again and again; 422 if the key was used for another request; 500 and 503 as of the tables.
    pub async fn append<S: EventSet>(
        &self,
        stream: &StreamName,
        guard: Option<&StreamName>,
        decide: impl Fn(&[S]) -> Result<Vec<S>, Refusal>,
        answer: impl Fn(u64) -> Response,
    ) -> Result<Response, Problem> {
        let (store, now) = (self.store, self.request.now);
        let cause = Cause::request(&self.request.id, now).traced(traceparent(self.request));
        for _ in 0..=DECIDE_AGAIN {
            let history = store.read(stream).await?;
            let events = history.events::<S>()?.into_iter().map(|event| event.data);
            let new = match decide(&events.collect::<Vec<S>>()) {
                Ok(new) => new,
                Err(refusal) => return self.done_before_or(&refusal).await,
            };
            let new = new.iter().map(New::event).collect::<Result<Vec<New>, _>>()?;
            let live = self.request.live();
            let appended = store.append(&live, &history.position, &cause, now, new)?;
            let response = answer(appended.position.version());
            let transaction = self.transaction(&appended, guard, &response)?;
            if transaction.is_empty() {
                return Ok(response);
            }
            match transaction.commit(store.tables(), self.invocation.deadline).await? {
                Verdict::Committed => {
                    log(&self.invocation.log, &appended);
                    return Ok(response);
                }
                Verdict::Done(kept) => return again(kept),
                Verdict::Mismatch => return Err(mismatch()),
                Verdict::Refused(_) => return Err(refused(&Refusal::PaymentRequested)),
                Verdict::VersionTaken => {}
            }
        }
        let text = "other requests keep changing it at the same moment";
        Err(Problem::conflict(text).code("Contended").header("retry-after", 1))
    }

    fn transaction(
        &self,
        appended: &Appended,
        guard: Option<&StreamName>,
        response: &Response,
    ) -> Result<Transaction, Problem> {
        let mut transaction = appended.add_to(Transaction::new());
        if let Some(guard) = guard.filter(|_| !appended.rows.is_empty()) {
            transaction = transaction.guard("PaymentRequested", self.store.open(guard));
        }
        let Some(once) = &self.once else { return Ok(transaction) };
        let kept = serde_json::to_string(response);
        let kept = kept.map_err(|error| Problem::internal(&error.to_string()))?;
        Ok(transaction.once(once, Some(kept)))
    }

    /// The refusal, unless it is only there because this very request was done before. The answer
    /// is looked up behind the state that was refused: who is seen there is seen here.
    async fn done_before_or(&self, refusal: &Refusal) -> Result<Response, Problem> {
        let Some(once) = &self.once else { return Err(refused(refusal)) };
        match once.seen(self.store.tables()).await? {
            Some(Seen::Done(kept)) => again(kept),
            Some(Seen::Other) => Err(mismatch()),
            None => Err(refused(refusal)),
        }
    }
}

/// The answer that was given the first time.
///
/// # Errors
/// 500 if none was kept, or it can't be read.
pub fn again(kept: Option<String>) -> Result<Response, Problem> {
    let kept = kept.ok_or_else(|| Problem::internal("the request's row has no answer"))?;
    serde_json::from_str(&kept).map_err(|error| Problem::internal(&error.to_string()))
}

fn mismatch() -> Problem {
    let text = "this key was used for another request";
    Problem::unprocessable(text).at("Idempotency-Key").code("IdempotencyKeyReused")
}

/// A line for each row that was appended.
pub fn log(log: &Log, appended: &Appended) {
    for row in &appended.rows {
        let metadata = &row.envelope.metadata;
        let line = log.info("appended").field("eventId", metadata.id);
        let line = line.field("correlationId", &metadata.correlation_id);
        let line = line.field("eventType", &metadata.event_type);
        line.field("stream", &metadata.stream).field("version", metadata.version).emit();
    }
}

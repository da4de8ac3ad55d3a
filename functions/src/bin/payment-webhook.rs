//! HTTP the payment provider's late word → PaymentProcessed | PaymentDeclined
//!
//! The provider tells by itself, some time later, what became of a charge: several times, in any
//! order, and while `payment` may be asking it. So this is the second writer of the stream
//! `payment#<orderId>`: what it writes goes in only if the payment's row and stream are as they were
//! when `domain::payment::report` decided on them; else it looks again.
//!
//! ```json
//! { "id": "evt-7", "type": "charge.succeeded", "charge": { "key": "<order id>",
//!   "transactionId": "t-1", "amount": 790, "currency": "EUR" } }
//! { "id": "evt-8", "type": "charge.declined", "charge": { "key": "<order id>" } }
//! ```
//!
//! It is the provider's if its header `Payment-Signature` says so (`pointsman_kit::http::signature`);
//! there is no token. The provider's id is marked with what it led to, and gets the same answer
//! again. Types that are not known are none of ours and answered with 200, so that a provider may
//! bring in new ones; so are fields. Whatever is answered with 4xx or 5xx has stored nothing, and the
//! provider sends it again.

use contract::{
    event::{Cause, StreamName},
    payment::STREAM,
    values::{Amount, Currency, OrderId, TransactionId},
};
use domain::payment::{
    Payment, Price, Receipt, State,
    report::{Report, Reported, reported},
};
use functions::{
    command::{again, log},
    http::traceparent,
    row,
};
use pointsman_kit::{
    aws,
    clock::Wall,
    http::{self, Problem, Request, Response, signature::Secrets},
    idempotency::{Once, Seen},
    lock::Lock,
    runtime::{Error, Invocation},
    store::{New, Store},
    table::{Condition, Item, Key, Op, Value, from_item, to_item},
    transaction::{Transaction, Verdict},
};
use serde::{Deserialize, Serialize};

/// The header with the provider's signature.
const SIGNATURE: &str = "Payment-Signature";

/// How often a payment is looked at when somebody else keeps changing it.
const LOOKS: usize = 5;

/// What a request is handled with.
pub(crate) struct Webhook {
    pub(crate) store: Store,
    /// The table of the payments' rows and of markers.
    pub(crate) services: String,
    pub(crate) secrets: Secrets,
    /// Whose time signatures are judged by.
    pub(crate) wall: Wall,
    /// What pauses between attempts are drawn from; by default from nothing that is known.
    pub(crate) seed: Option<u64>,
}

/// A word of the provider's.
#[derive(Deserialize)]
struct Notice {
    id: NoticeId,
    #[serde(rename = "type")]
    kind: String,
}

/// What the provider knows its word by: 1 to 100 visible ASCII characters.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct NoticeId(String);

/// What it is about, as its type has it.
#[derive(Deserialize)]
struct About<T> {
    charge: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Succeeded {
    key: OrderId,
    transaction_id: TransactionId,
    amount: Amount,
    currency: Currency,
}

#[derive(Deserialize)]
struct Declined {
    key: OrderId,
}

/// What the provider is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// `recorded`, `known` or `ignored`.
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
    /// Of the payment's stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}

fn main() -> Result<(), Error> {
    http::run("payment-webhook", init, handle)
}

async fn init() -> Result<Webhook, Error> {
    let tables = functions::tables(&aws::config().await);
    let store = Store::new(tables, functions::variable("EVENT_STORE_TABLE")?);
    let services = functions::variable("SERVICES_TABLE")?;
    let secrets = functions::variable("WEBHOOK_SECRETS")?;
    let secrets = Secrets::new(&secrets).map_err(|error| format!("WEBHOOK_SECRETS: {error}"))?;
    Ok(Webhook { store, services, secrets, wall: Wall::system(), seed: None })
}

pub(crate) async fn handle(
    webhook: &Webhook,
    request: Request,
    invocation: &Invocation,
) -> Result<Response, Problem> {
    webhook.secrets.verify(&request, SIGNATURE, webhook.wall.now())?;
    let notice: Notice = request.json()?;
    let (order_id, report) = match notice.kind.as_str() {
        "charge.succeeded" => {
            let About { charge } = request.json::<About<Succeeded>>()?;
            let Succeeded { key, transaction_id, amount, currency } = charge;
            let price = Price { amount, currency };
            (key, Report::Charged(Receipt { price, transaction_id }))
        }
        "charge.declined" => (request.json::<About<Declined>>()?.charge.key, Report::Declined),
        kind => {
            invocation.log.info("ignored").field("type", kind).emit();
            let told = Told { result: "ignored", order_id: None, version: None };
            return Ok(Response::json(200, &told));
        }
    };
    let NoticeId(id) = &notice.id;
    let invocation = &Invocation {
        log: invocation.log.with("noticeId", id).with("orderId", order_id),
        ..invocation.clone()
    };
    let content = content(order_id, &report);
    let (services, now) = (&webhook.services, request.now);
    let once = Once::marker(services, "payment-webhook", "1", id, content.as_bytes(), now);
    webhook.record(order_id, &report, &once, &request, invocation).await
}

impl Webhook {
    async fn record(
        &self,
        order_id: OrderId,
        report: &Report,
        once: &Once,
        request: &Request,
        invocation: &Invocation,
    ) -> Result<Response, Problem> {
        let (tables, now) = (self.store.tables(), request.now);
        let key = row::key(&self.services, "payment", order_id);
        let stream = StreamName::new(STREAM, order_id).map_err(internal)?;
        let cause = Cause::request(&request.id, now).traced(traceparent(request));
        for _ in 0..LOOKS {
            let Some(item) = tables.get(&key).await? else { return Err(unbegun()) };
            let payment: Payment = from_item(&item).map_err(internal)?;
            let settled = match reported(order_id, &payment, report) {
                Reported::News(settled) => settled,
                Reported::Known => return self.known(order_id, once).await,
                Reported::Contradicts(field) => {
                    invocation
                        .log
                        .error("the provider contradicts itself")
                        .field("at", field)
                        .emit();
                    invocation.log.count("WebhookContradicted");
                    return Err(contradicts(field));
                }
            };
            let history = self.store.read(&stream).await?;
            let new = [New::event(&settled.event)?];
            let appended =
                self.store.append(&request.live(), &history.position, &cause, now, new)?;
            let version = Some(appended.position.version());
            let told = Told { result: "recorded", order_id: Some(order_id), version };
            let response = Response::json(200, &told);
            let kept = serde_json::to_string(&response).map_err(internal)?;
            let mut transaction = appended
                .add_to(Transaction::new())
                .once(once, Some(kept))
                .effect("RowChanged", change(&key, &item, &payment, &settled.payment)?);
            if let Some(seed) = self.seed {
                transaction = transaction.seeded(seed);
            }
            match transaction.commit(tables, invocation.deadline).await? {
                Verdict::Committed => {
                    log(&invocation.log, &appended);
                    return Ok(response);
                }
                Verdict::Done(kept) => return again(kept),
                Verdict::Mismatch => return Err(reused()),
                Verdict::VersionTaken | Verdict::Refused(_) => {
                    invocation.log.count("DecidedAgain");
                }
            }
        }
        let text = "the payment is being changed at this moment";
        Err(Problem::conflict(text).code("Contended").header("retry-after", 1))
    }

    /// The answer to what is known: the one that was given when this very word made it known.
    async fn known(&self, order_id: OrderId, once: &Once) -> Result<Response, Problem> {
        match once.seen(self.store.tables()).await? {
            Some(Seen::Done(kept)) => again(kept),
            Some(Seen::Other) => Err(reused()),
            None => {
                let told = Told { result: "known", order_id: Some(order_id), version: None };
                Ok(Response::json(200, &told))
            }
        }
    }
}

/// What makes a word the same as another of its id: what it says, not how.
fn content(order_id: OrderId, report: &Report) -> String {
    match report {
        Report::Charged(Receipt { price: Price { amount, currency }, transaction_id }) => {
            format!("charged {order_id} {amount} {currency} {transaction_id}")
        }
        Report::Declined => format!("declined {order_id}"),
    }
}

/// The row says from now on what the payment is, if it is still as `item` has it. Who holds its lock
/// is overtaken.
fn change(key: &Key, item: &Item, before: &Payment, after: &Payment) -> Result<Op, Problem> {
    let op = match before.state {
        State::Charging(_) => Lock::new(key.clone()).end(item),
        _ => Op::update(key.clone()),
    };
    let state = item.get("state").cloned().unwrap_or(Value::Null);
    let op = op.when(Condition::equal("state", state));
    Ok(row::set(op, &to_item(after).map_err(internal)?))
}

fn unbegun() -> Problem {
    let text = "no payment was begun under this key";
    Problem::not_found(text).code("PaymentNotFound").at("charge.key")
}

fn contradicts(field: &str) -> Problem {
    let text = "it contradicts what is known of this payment";
    Problem::conflict(text).code("Contradiction").at(&format!("charge.{field}"))
}

fn reused() -> Problem {
    Problem::conflict("this id was used for another word").code("IdReused").at("id")
}

fn internal(error: impl std::fmt::Display) -> Problem {
    Problem::internal(&error.to_string())
}

impl TryFrom<String> for NoticeId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, &'static str> {
        if (1..=100).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(id))
        } else {
            Err("an id must be 1 to 100 visible ASCII characters")
        }
    }
}

//! What customers do, and what they are told.

use contract::values::OrderId;
use fastrand::Rng;
use pointsman_kit::http;
use serde_json::{Value, json};

/// What is sold here: of each sku the price, and few in stock.
pub(crate) const SKUS: [(&str, u64); 3] =
    [("TEA-ASSAM-100", 790), ("CUP-BLUE", 1490), ("POT-IRON", 6900)];

/// Something a customer is about to do.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) at: i64,
    pub(crate) customer: usize,
    /// Which of the world's orders.
    pub(crate) order: usize,
    pub(crate) deed: Deed,
    pub(crate) key: String,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Place { sku: usize, quantity: u32 },
    Add { sku: usize, quantity: u32 },
    Move,
    Cancel,
}

/// An order as its customer knows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) id: Option<OrderId>,
    /// By their keys, what was added, with a 202.
    pub(crate) added: Vec<String>,
    /// What was not, since the order was closed.
    pub(crate) refused: u32,
    /// Whether a wish to cancel was taken.
    pub(crate) cancelled: bool,
}

/// What the customers of a world are going to do, in no order.
pub(crate) fn plan(rng: &mut Rng, start: i64, window_ms: i64) -> Vec<Act> {
    let mut acts = Vec::new();
    for order in 0..rng.usize(1..=3) {
        let customer = rng.usize(0..2);
        let placed = start + rng.i64(0..5_000);
        let mut act = |at, deed| {
            let key = format!("k{}", acts.len());
            acts.push(Act { at, customer, order, deed, key });
        };
        act(placed, Deed::Place { sku: rng.usize(0..SKUS.len()), quantity: rng.u32(1..=3) });
        // Most come within the window, some in the race with its end, some behind it.
        for _ in 0..rng.usize(0..3) {
            let at = placed + rng.i64(0..window_ms + 1_000);
            let deed = if rng.u8(0..4) == 0 {
                Deed::Move
            } else {
                Deed::Add { sku: rng.usize(0..SKUS.len()), quantity: rng.u32(1..=2) }
            };
            act(at, deed);
        }
        if rng.u8(0..100) < 45 {
            // At every stage: the stages are short, but for those that wait for something late.
            let later =
                if rng.bool() { rng.i64(0..window_ms + 3_000) } else { rng.i64(0..900_000) };
            act(placed + later, Deed::Cancel);
        }
    }
    acts
}

impl Act {
    /// The request as API Gateway hands it over; `None` while the customer has no order to speak of.
    pub(crate) fn request(&self, order: Option<OrderId>, now: i64) -> Option<http::Event> {
        let (route, body) = match self.deed {
            Deed::Place { sku, quantity } => {
                let items = json!([{ "sku": SKUS[sku].0, "quantity": quantity }]);
                let body = json!({ "items": items, "shippingAddress": address("Berlin") });
                ("POST /orders", body)
            }
            Deed::Add { sku, quantity } => {
                let body = json!({ "sku": SKUS[sku].0, "quantity": quantity });
                ("POST /orders/{id}/items", body)
            }
            Deed::Move => {
                let body = json!({ "shippingAddress": address("Hamburg") });
                ("PUT /orders/{id}/shipping-address", body)
            }
            Deed::Cancel => ("DELETE /orders/{id}", Value::Null),
        };
        let (method, path) = route.split_once(' ')?;
        let id = match (self.deed, order) {
            (Deed::Place { .. }, _) => String::new(),
            (_, order) => order?.to_string(),
        };
        let event = json!({
            "version": "2.0",
            "routeKey": route,
            "rawPath": path.replace("{id}", &id),
            "rawQueryString": "",
            "headers": { "authorization": "Bearer token", "idempotency-key": self.key },
            "pathParameters": { "id": id },
            "requestContext": {
                "accountId": "000000000000",
                "authorizer": { "jwt": { "claims": { "sub": name(self.customer), "scope": "" }, "scopes": null } },
                "http": { "method": method, "path": path, "protocol": "HTTP/1.1" },
                "requestId": format!("request-{}", self.key),
                "routeKey": route,
                "stage": "$default",
                "timeEpoch": now,
            },
            "body": if body.is_null() { Value::Null } else { body.to_string().into() },
            "isBase64Encoded": false,
        });
        Some(serde_json::from_value(event).expect("a request"))
    }
}

/// What a customer is called.
pub(crate) fn name(customer: usize) -> String {
    format!("customer-{customer}")
}

fn address(city: &str) -> Value {
    json!({
        "recipient": "Ann", "street": "Main Street 1", "postalCode": "10115",
        "city": city, "country": "DE",
    })
}

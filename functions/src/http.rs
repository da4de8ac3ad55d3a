//! What the functions behind the HTTP API do alike.

use contract::values::{CustomerId, OrderId};
use domain::{Kind, Refusal};
use pointsman_kit::http::{Problem, Request};

/// The customer who asks: the token's `sub`.
///
/// # Errors
/// 401 without one; 403 if it can't be a customer's id, which the shop's own issuer never signs.
pub fn caller(request: &Request) -> Result<CustomerId, Problem> {
    let subject = &request.principal()?.subject;
    subject.parse().map_err(|error| Problem::new(403, &format!("the token's sub: {error}")))
}

/// The order of the path.
///
/// # Errors
/// 404 if there can be none of that id.
pub fn order_id(request: &Request) -> Result<OrderId, Problem> {
    request.param("id")?.parse().map_err(|_| refused(&Refusal::OrderNotFound))
}

/// A refusal as its caller is told.
pub fn refused(refusal: &Refusal) -> Problem {
    let status = match refusal.kind() {
        Kind::NotFound => 404,
        Kind::Conflict => 409,
        Kind::Unprocessable => 422,
    };
    Problem::new(status, &refusal.to_string()).code(refusal.code())
}

/// The W3C trace that the caller is in, if the header is one.
pub fn traceparent(request: &Request) -> Option<String> {
    let text = request.header("traceparent")?;
    let hex = |part: &str, digits| {
        part.len() == digits
            && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && (digits == 2 || part.bytes().any(|b| b != b'0'))
    };
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts[..] else { return None };
    (version == "00" && hex(trace, 32) && hex(span, 16) && hex(flags, 2)).then(|| text.to_owned())
}

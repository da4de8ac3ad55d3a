//! Signed requests: webhooks whose sender proves who it is by a secret that both know.
//!
//! The header says when the request was sent and has one or more signatures:
//! `t=1767225600,v1=5257a8…,v1=9f02c1…`. A signature is the HMAC-SHA256, in hex, of the time as it
//! stands there, a full stop and the body as it came. Schemes other than `v1` are passed over, so
//! that a sender can bring in a new one.
//!
//! A secret is replaced without a gap: the receiver takes two for a while ([`Secrets`]), or the
//! sender signs with both. What was signed longer than five minutes ago, or as long in the future,
//! is refused, so that a recorded request can't be sent again for ever; within these five minutes
//! the sender's own id of the message has to make it harmless. Both sides' *wall* clocks are
//! compared: a signature is about the world, not about business time.
//!
//! ```
//! use pointsman_kit::{clock::Wall, event::Timestamp, http::{Request, signature::{Secrets, sign}}};
//!
//! let now = Timestamp::from_ms(1_767_225_600_000);
//! let secrets = Secrets::new("the-new-secret-of-ours the-old-secret-of-ours").unwrap();
//! let signature = sign("the-old-secret-of-ours", now, b"{}");
//! let request = Request::builder("POST /hooks").header("signature", &signature).json("{}");
//! assert!(secrets.verify(&request.clone().build(), "signature", now).is_ok());
//! let problem = secrets.verify(&request.json("{ }").build(), "signature", now).unwrap_err();
//! assert_eq!((problem.status, problem.field.as_deref()), (401, Some("signature")));
//! ```

use super::{Problem, Request};
use pointsman_event::Timestamp;
use ring::hmac::{self, HMAC_SHA256};
use std::fmt;

/// How far the time of a signature may be from the wall's, in milliseconds, before or behind it.
pub const TOLERANCE_MS: i64 = 300_000;

/// The fewest bytes of a secret. Shorter ones can be found by trying.
const MIN_SECRET: usize = 16;
/// The most secrets at a time: one, and the one it replaces.
const MAX_SECRETS: usize = 2;
/// The most signatures that are looked at: each costs a hash of the body.
const MAX_SIGNATURES: usize = 4;

/// The secrets that a sender may sign with.
#[derive(Clone)]
pub struct Secrets(Vec<hmac::Key>);

/// Why a text is no list of secrets. It has nothing of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSecrets(&'static str);

impl Secrets {
    /// One secret, or two apart by a space: the newer and the one it replaces. Each has at least 16
    /// bytes.
    ///
    /// # Errors
    /// If there are none or more, or one is shorter.
    pub fn new(secrets: &str) -> Result<Self, InvalidSecrets> {
        let secrets: Vec<&str> = secrets.split_whitespace().collect();
        if secrets.is_empty() || secrets.len() > MAX_SECRETS {
            return Err(InvalidSecrets("one secret is wanted, or two apart by a space"));
        }
        if secrets.iter().any(|secret| secret.len() < MIN_SECRET) {
            return Err(InvalidSecrets("a secret needs at least 16 bytes"));
        }
        Ok(Self(secrets.into_iter().map(key).collect()))
    }

    /// Checks the request's `header` against its body as it came, at the wall's time `wall`.
    ///
    /// # Errors
    /// 401 that names the header: it is missing or malformed, its time is too far from `wall`, or
    /// none of its signatures is by one of the secrets.
    pub fn verify(&self, request: &Request, header: &str, wall: Timestamp) -> Result<(), Problem> {
        let refused = |text: &str| Problem::new(401, text).at(header);
        let text = request
            .header(&header.to_ascii_lowercase())
            .ok_or_else(|| refused("the header is required"))?;
        let Signed { time, ms, signatures } = Signed::parse(text)
            .ok_or_else(|| refused("the header must be t=<seconds>,v1=<64 hex digits>"))?;
        if ms.abs_diff(wall.as_ms()) > TOLERANCE_MS.unsigned_abs() {
            return Err(refused("its time is more than five minutes from now").code("Stale"));
        }
        let content = content(time, &request.body);
        // In constant time each; which of them fits is no secret.
        let fits = |signature: &Vec<u8>| {
            self.0.iter().any(|key| hmac::verify(key, &content, signature).is_ok())
        };
        if signatures.iter().any(fits) {
            return Ok(());
        }
        Err(refused("the signature does not fit the body").code("BadSignature"))
    }
}

/// The header's value for `body`, signed with `secret` at `at`.
pub fn sign(secret: &str, at: Timestamp, body: &[u8]) -> String {
    let time = at.as_ms().div_euclid(1000).to_string();
    let tag = hmac::sign(&key(secret), &content(&time, body));
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={hex}")
}

/// What a header says.
struct Signed<'a> {
    /// The time as it stands there, which is what was signed.
    time: &'a str,
    /// The same in milliseconds since the epoch.
    ms: i64,
    signatures: Vec<Vec<u8>>,
}

impl<'a> Signed<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (mut time, mut signatures) = (None, Vec::new());
        for part in text.split(',') {
            match part.trim().split_once('=')? {
                ("t", value) if time.is_none() => time = Some(value),
                ("t", _) => return None,
                ("v1", value) if signatures.len() < MAX_SIGNATURES => signatures.push(hex(value)?),
                _ => {}
            }
        }
        let time =
            time.filter(|time| !time.is_empty() && time.bytes().all(|b| b.is_ascii_digit()))?;
        let ms = time.parse::<i64>().ok()?.checked_mul(1000)?;
        (!signatures.is_empty()).then_some(Self { time, ms, signatures })
    }
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(HMAC_SHA256, secret.as_bytes())
}

fn content(time: &str, body: &[u8]) -> Vec<u8> {
    [time.as_bytes(), b".", body].concat()
}

/// The bytes of 64 hex digits.
fn hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl fmt::Display for InvalidSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidSecrets {}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "the-new-secret-of-ours";
    const OLD: &str = "the-old-secret-of-ours";
    const BODY: &str = r#"{"id":"evt-1"}"#;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    const NOW: i64 = 1_767_225_600;

    fn judge(header: Option<&str>, body: &str) -> Result<(), Problem> {
        let request = Request::builder("POST /hooks").json(body);
        let request = match header {
            Some(header) => request.header("Payment-Signature", header),
            None => request,
        };
        let secrets = Secrets::new(&format!("{NEW} {OLD}")).unwrap();
        secrets.verify(&request.build(), "Payment-Signature", at(NOW))
    }

    #[track_caller]
    fn refused(header: Option<&str>, why: &str) {
        let problem = judge(header, BODY).unwrap_err();
        assert_eq!((problem.status, problem.field.as_deref()), (401, Some("Payment-Signature")));
        assert!(problem.error.contains(why), "{header:?}: {problem:?}");
    }

    #[test]
    fn a_signature_is_hmac_sha_256_of_time_and_body() {
        // Computed with `printf '1767225600.%s' "$body" | openssl dgst -sha256 -hmac "$secret"`.
        let known =
            "t=1767225600,v1=bc6b33f60b2f71baca21c3fde95829e7afd374b3d015037eedb9470d5f877b78";
        assert_eq!(sign(NEW, at(NOW), BODY.as_bytes()), known);
        assert_eq!(judge(Some(known), BODY), Ok(()));
    }

    #[test]
    fn either_secret_and_any_of_the_signatures_will_do() {
        let (new, old) = (sign(NEW, at(NOW), BODY.as_bytes()), sign(OLD, at(NOW), BODY.as_bytes()));
        let other = sign("a secret of somebody", at(NOW), BODY.as_bytes());
        let v1 = |header: &str| header.split_once(',').unwrap().1.to_owned();
        for good in [
            new.clone(),
            old.clone(),
            format!("{other},{}", v1(&old)),
            format!("t={NOW},v0=zz,{}", v1(&new)),
            // As API Gateway joins a header that comes twice.
            format!("t={NOW}, {}", v1(&new)),
        ] {
            assert_eq!(judge(Some(&good), BODY), Ok(()), "{good}");
        }
        refused(Some(&other), "does not fit");
        let many = vec![v1(&other); MAX_SIGNATURES].join(",");
        refused(Some(&format!("t={NOW},{many},{}", v1(&new))), "does not fit");
    }

    #[test]
    fn what_is_signed_is_the_body_byte_by_byte_and_the_time() {
        let good = sign(NEW, at(NOW), BODY.as_bytes());
        assert!(judge(Some(&good), r#"{"id": "evt-1"}"#).is_err());
        refused(Some(&good.replace("t=1767225600", "t=1767225601")), "does not fit");
        refused(Some(&good.replace("t=1767225600", "t=01767225600")), "does not fit");
    }

    #[test]
    fn five_minutes_lie_between_sender_and_receiver_at_most() {
        for off in [-300, 300] {
            assert_eq!(judge(Some(&sign(NEW, at(NOW + off), BODY.as_bytes())), BODY), Ok(()));
        }
        for off in [-301, 301, -1_000_000] {
            refused(Some(&sign(NEW, at(NOW + off), BODY.as_bytes())), "five minutes");
        }
    }

    #[test]
    fn what_is_no_signature_is_refused_by_the_headers_name() {
        refused(None, "is required");
        let v1 = "ab".repeat(32);
        for malformed in [
            String::new(),
            "t=1767225600".to_owned(),
            format!("v1={v1}"),
            format!("t=,v1={v1}"),
            format!("t=-1,v1={v1}"),
            format!("t=99999999999999999999,v1={v1}"),
            format!("t=9223372036854775807,v1={v1}"),
            format!("t=1767225600,t=1767225600,v1={v1}"),
            format!("t=1767225600,v1={v1}0"),
            format!("t=1767225600,v1={}", "é".repeat(32)),
            format!("t=1767225600;v1={v1}"),
        ] {
            refused(Some(&malformed), "must be t=");
        }
    }

    #[test]
    fn there_are_one_or_two_secrets_and_none_is_short_or_shown() {
        let text = |secrets: &str| Secrets::new(secrets).unwrap_err().to_string();
        assert!(text(" ").contains("one secret"));
        assert!(text(&[NEW; 3].join(" ")).contains("one secret"));
        assert!(text("short").contains("16 bytes"));
        assert!(text(&format!("{NEW} short")).contains("16 bytes"));
        assert_eq!(format!("{:?}", Secrets::new(NEW).unwrap()), "Secrets(1)");
    }
}

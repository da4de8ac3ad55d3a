//! Signature Version 4, as AWS's clients sign: the load is signed as theirs is, and what that costs is in its figures.

use ring::{digest, hmac};
use std::time::Duration;

/// Where requests go and who signs them.
pub(super) struct Signer {
    pub(super) region: String,
    pub(super) key: String,
    pub(super) secret: String,
    /// The signing key of a day and a service: deriving it takes as long as all else.
    derived: Vec<(String, hmac::Key)>,
}

/// What of a request is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) service: &'a str,
    /// Names in lower case, sorted.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
}

impl Signer {
    pub(super) fn new(region: &str, key: &str, secret: &str) -> Signer {
        let [region, key, secret] = [region, key, secret].map(str::to_owned);
        Signer { region, key, secret, derived: vec![] }
    }

    /// The header `authorization` of a request whose header `x-amz-date` is `date`.
    pub(super) fn sign(&mut self, request: &Signed<'_>, date: &str) -> String {
        let day = date.get(..8).unwrap_or(date);
        let mut canonical = format!("{}\n{}\n\n", request.method, request.path);
        let mut names = String::new();
        for (name, value) in request.headers {
            canonical += &format!("{name}:{value}\n");
            names += if names.is_empty() { "" } else { ";" };
            names += name;
        }
        canonical += &format!("\n{names}\n{}", sha256(request.body));
        let scope = format!("{day}/{}/{}/aws4_request", self.region, request.service);
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(canonical.as_bytes()));
        let signature =
            hex(hmac::sign(self.derive(&scope, day, request.service), text.as_bytes()).as_ref());
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.key
        )
    }

    fn derive(&mut self, scope: &str, day: &str, service: &str) -> &hmac::Key {
        let found = self.derived.iter().position(|(of, _)| of == scope);
        let at = found.unwrap_or_else(|| {
            let mut key = format!("AWS4{}", self.secret).into_bytes();
            for part in [day, &self.region, service, "aws4_request"] {
                let step = hmac::Key::new(hmac::HMAC_SHA256, &key);
                key = hmac::sign(&step, part.as_bytes()).as_ref().to_vec();
            }
            self.derived.push((scope.to_owned(), hmac::Key::new(hmac::HMAC_SHA256, &key)));
            self.derived.len() - 1
        });
        &self.derived[at].1
    }
}

/// An instant, counted from 1970, as `20261121T120000Z`.
pub(crate) fn timestamp(since: Duration) -> String {
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Year, month and day of a number of days since 1970. Years begin in March here, so that a leap day is their last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

//! Signature Version 4 for what a verb asks of AWS itself: a POST of a body to the root of a service.

use super::Failure;
use crate::clock::Time;
use aws_lc_rs::{digest, hmac};

/// Whose signature it is, and for where.
pub(super) struct Signer {
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
    region: String,
    service: &'static str,
}

impl Signer {
    /// With the credentials and the region of the environment.
    ///
    /// # Errors
    /// One line that says how to get them there.
    pub(super) fn of_environment(
        service: &'static str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Signer, Failure> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let (Some(access_key), Some(secret_key)) =
            (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        else {
            return Err("no AWS credentials in the environment: put them there with \
                 eval \"$(aws configure export-credentials --format env)\""
                .into());
        };
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = region.ok_or("no AWS Region in the environment: set AWS_REGION")?;
        let session_token = variable("AWS_SESSION_TOKEN");
        Ok(Signer { access_key, secret_key, session_token, region, service })
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// The headers that make the request the signer's. `headers` are signed, too: lower-case names, `host` among them.
    pub(super) fn sign(
        &self,
        headers: &[(&str, &str)],
        body: &[u8],
        now: Time,
    ) -> Vec<(&'static str, String)> {
        let (date, moment) = (now.format("%Y%m%d"), now.format("%Y%m%dT%H%M%SZ"));
        let mut added = vec![("x-amz-date", moment.clone())];
        if let Some(token) = &self.session_token {
            added.push(("x-amz-security-token", token.clone()));
        }
        let mut all: Vec<(&str, &str)> = headers.to_vec();
        all.extend(added.iter().map(|(name, value)| (*name, value.as_str())));
        all.sort_unstable();
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String =
            all.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let request = format!("POST\n/\n\n{lines}\n{names}\n{}", digest_of(body));
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let text =
            format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", digest_of(request.as_bytes()));
        let start = format!("AWS4{}", self.secret_key).into_bytes();
        let steps = [date.as_str(), &self.region, self.service, "aws4_request", &text];
        let signature = steps.iter().fold(start, |key, step| keyed(&key, step.as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            self.access_key,
            hex(&signature)
        );
        added.push(("authorization", authorization));
        added
    }
}

fn keyed(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn digest_of(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The credentials, the moment and the answers are those of AWS's own test suite.
    fn signer(token: Option<&str>) -> Signer {
        Signer {
            access_key: "AKIDEXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: token.map(str::to_owned),
            region: "us-east-1".into(),
            service: "service",
        }
    }

    const MOMENT: Time = Time(1_440_938_160_000);

    #[track_caller]
    fn check(headers: &[(&str, &str)], body: &str, names: &str, signature: &str) {
        let added = signer(None).sign(headers, body.as_bytes(), MOMENT);
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders={names}, Signature={signature}"
        );
        assert_eq!(
            added,
            [("x-amz-date", "20150830T123600Z".to_owned()), ("authorization", expected),]
        );
    }

    #[test]
    fn a_request_is_signed_as_in_aws_test_suite() {
        // post-vanilla
        check(
            &[("host", "example.amazonaws.com")],
            "",
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        );
        // post-x-www-form-urlencoded
        check(
            &[
                ("content-type", "application/x-www-form-urlencoded"),
                ("host", "example.amazonaws.com"),
            ],
            "Param1=value1",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        );
    }

    #[test]
    fn a_session_token_is_sent_and_signed() {
        let added = signer(Some("token")).sign(&[("host", "h")], b"", MOMENT);
        assert_eq!(added[1], ("x-amz-security-token", "token".to_owned()));
        assert!(added[2].1.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
    }

    #[test]
    fn what_the_environment_lacks_is_named() {
        let of = |has: &'static [&str]| {
            let given = move |name: &str| has.contains(&name).then(|| "x".to_owned());
            Signer::of_environment("sqs", given).map(|signer| signer.region)
        };
        let keys = &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        assert!(of(&[]).unwrap_err().starts_with("no AWS credentials in the environment"));
        assert!(of(keys).unwrap_err().starts_with("no AWS Region in the environment"));
        let all = &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"];
        assert_eq!(of(all), Ok("x".to_owned()));
    }
}

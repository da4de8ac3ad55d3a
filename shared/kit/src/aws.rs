//! SDK configuration that starts fast.
//!
//! What a cold start pays for by default and does not here: aws-lc seeding its random generator
//! (ring instead), reading the system's root certificates (Amazon's own are built in), a provider
//! chain that asks around for region and credentials (Lambda's environment is read directly), an
//! HTTP client for each service (one is shared). Without TLS, for a plain-http endpoint, not even
//! the roots are parsed.
//!
//! `AWS_ENDPOINT_URL` and its per-service forms are honoured. `POINTSMAN_TLS_ROOTS=system` trusts
//! the system's roots instead, for a proxy or an endpoint with a certificate of its own.

pub use aws_config::SdkConfig;

#[cfg(any(feature = "eventbridge", feature = "sqs"))]
use crate::delivery::Failure;
use aws_config::{
    BehaviorVersion, Region, environment::EnvironmentVariableCredentialsProvider,
    timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
#[cfg(any(feature = "eventbridge", feature = "sqs"))]
use aws_smithy_runtime_api::client::result::SdkError;
#[cfg(any(feature = "eventbridge", feature = "sqs"))]
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::{env, time::Duration};

/// The roots that AWS's endpoints lead to: Amazon Root CA 1 to 4 and Starfield Services G2.
const ROOTS: &[u8] = include_bytes!("aws/roots.pem");

/// The configuration all of a function's clients share. Call it once, at init.
pub async fn config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(10))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .timeout_config(timeouts);
    if let Ok(region) = env::var("AWS_REGION") {
        loader = loader.region(Region::new(region));
    }
    if env::var_os("AWS_ACCESS_KEY_ID").is_some() {
        loader = loader.credentials_provider(EnvironmentVariableCredentialsProvider::new());
    }
    loader.load().await
}

fn http_client() -> SharedHttpClient {
    let vars =
        env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
    if all_plain(vars) { Builder::new().build_http() } else { tls_client() }
}

/// Whether no client will ever need TLS: the common endpoint is plain http, and so are the others.
fn all_plain(vars: impl Iterator<Item = (String, String)>) -> bool {
    let mut endpoints = vars.filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL"));
    let mut common = false;
    endpoints.all(|(name, url)| {
        common |= name == "AWS_ENDPOINT_URL";
        url.starts_with("http://")
    }) && common
}

fn tls_client() -> SharedHttpClient {
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    if env::var("POINTSMAN_TLS_ROOTS").is_ok_and(|roots| roots == "system") {
        return builder.build_https();
    }
    let trust = TrustStore::empty().with_pem_certificate(ROOTS);
    match TlsContext::builder().with_trust_store(trust).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        Err(_) => builder.build_https(),
    }
}

/// A failed call of the bus or a queue, as the delivery loop judges it. Only what the service
/// itself said can be permanent; everything that went wrong on the way may pass.
#[cfg(any(feature = "eventbridge", feature = "sqs"))]
pub(crate) fn failure<E, R>(error: SdkError<E, R>, is_permanent: fn(&str) -> bool) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match &error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().unwrap_or("Unknown").to_owned();
            let message = context.err().message().unwrap_or_default().to_owned();
            Failure { permanent: is_permanent(&code), code, message }
        }
        _ => Failure::transient("NoAnswer", &chain(&error)),
    }
}

/// An error with all it came from; an SDK's own text says little.
#[cfg(any(feature = "dynamodb", feature = "eventbridge", feature = "sqs"))]
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_left_out_only_if_every_endpoint_is_plain() {
        let plain = |urls: &[(&str, &str)]| {
            let vars = urls.iter().map(|(name, url)| ((*name).to_owned(), (*url).to_owned()));
            all_plain(vars.collect::<Vec<_>>().into_iter())
        };
        assert!(!plain(&[]));
        assert!(!plain(&[("AWS_ENDPOINT_URL", "https://localhost")]));
        assert!(plain(&[("AWS_ENDPOINT_URL", "http://localhost:4566")]));
        assert!(!plain(&[("AWS_ENDPOINT_URL_SQS", "http://localhost:4566")]));
        let one = ("AWS_ENDPOINT_URL_SQS", "https://sqs");
        assert!(!plain(&[("AWS_ENDPOINT_URL", "http://localhost:4566"), one]));
    }

    #[cfg(any(feature = "eventbridge", feature = "sqs"))]
    #[test]
    fn only_what_the_service_said_can_be_permanent() {
        use aws_smithy_types::error::ErrorMetadata;
        let judged = |error: SdkError<ErrorMetadata, ()>| {
            let Failure { permanent, code, message } = failure(error, |code| code == "Never");
            (permanent, code, message)
        };
        let said = |code: &str| {
            let metadata = ErrorMetadata::builder().code(code).message("no").build();
            judged(SdkError::service_error(metadata, ()))
        };
        assert_eq!(said("Never"), (true, "Never".to_owned(), "no".to_owned()));
        assert_eq!(said("Later"), (false, "Later".to_owned(), "no".to_owned()));
        // What a request is signed with may come yet.
        for unsaid in [
            SdkError::construction_failure("no credentials"),
            SdkError::timeout_error("too late"),
            SdkError::response_error("cut off", ()),
        ] {
            let (permanent, code, message) = judged(unsaid);
            assert_eq!((permanent, &*code), (false, "NoAnswer"), "{message}");
        }
    }

    #[test]
    fn the_built_in_roots_make_a_client() {
        drop(tls_client());
    }
}

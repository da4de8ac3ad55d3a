//! HTTP GET → two reads of a table
//!
//! What a function costs that has nothing of its own: `lambda_runtime`, and the SDK's client built as lean as it can be.
//! It makes the calls that `order-queries` makes for a list of orders.

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use std::env;

/// Amazon's, as a function on AWS needs them.
const ROOTS: &[u8] = include_bytes!("../../../shared/kit/src/aws/roots.pem");

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, table) = (Client::new(&config().await?), env::var("READ_MODEL_TABLE")?);
        let (client, table) = (&client, table.as_str());
        lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| read(client, table).await))
            .await
    })
}

async fn config() -> Result<SdkConfig, Error> {
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let http = if env::var_os("SSL_CERT_FILE").is_some() {
        builder.build_https()
    } else {
        let roots = TrustStore::empty().with_pem_certificate(ROOTS);
        builder.tls_context(TlsContext::builder().with_trust_store(roots).build()?).build_https()
    };
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new(env::var("AWS_REGION")?))
        .credentials_provider(EnvironmentVariableCredentialsProvider::new());
    Ok(loader.load().await)
}

async fn read(client: &Client, table: &str) -> Result<Value, Error> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key = client.get_item().table_name(table).consistent_read(true);
    key.key("pk", text("order-view")).key("sk", text("generations")).send().await?;
    let query = client.query().table_name(table).index_name("by-customer").limit(20);
    let query = query.key_condition_expression("#pk = :pk").scan_index_forward(false);
    let query = query.expression_attribute_names("#pk", "customer");
    let found = query.expression_attribute_values(":pk", text("1#anna")).send().await?;
    Ok(json!({"statusCode": 200, "body": json!({"orders": found.count()}).to_string()}))
}

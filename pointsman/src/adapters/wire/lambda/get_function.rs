use super::super::ask::Ask;
use super::super::reply::Body;
use super::configuration::Configuration;
use super::name::function;
use super::{Query, json};
use crate::engine::Fault;
use hyper::{Response, StatusCode};
use serde::Serialize;

/// `GetFunction`: what the function is, without a place to download it from.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    configuration: Configuration,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<Concurrency>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Concurrency {
    reserved_concurrent_executions: u32,
}

pub(super) async fn answer(
    ask: &Ask<'_>,
    name: &str,
    query: &Query,
) -> Result<Response<Body>, Fault> {
    json(ask, StatusCode::OK, &look(ask, name, query).await?)
}

/// `GetFunctionConfiguration`
pub(super) async fn configuration(
    ask: &Ask<'_>,
    name: &str,
    query: &Query,
) -> Result<Response<Body>, Fault> {
    json(ask, StatusCode::OK, &look(ask, name, query).await?.configuration)
}

async fn look(ask: &Ask<'_>, name: &str, query: &Query) -> Result<Reply, Fault> {
    let name = function(ask.region(), name, query.get("Qualifier"))?;
    ask.read(move |state, _| {
        let function = state.functions.get(&name).ok_or_else(|| {
            let arn = state.region.function(&name);
            Fault::new("ResourceNotFoundException", format!("Function not found: {arn}"))
        })?;
        let reserved = function.spec.reserved_concurrency;
        Ok(Reply {
            configuration: Configuration::of(function, &state.region),
            concurrency: reserved.map(|n| Concurrency { reserved_concurrent_executions: n }),
        })
    })
    .await?
}

use super::super::ask::Ask;
use super::super::page::{behind, page};
use super::super::reply::Body;
use super::configuration::Configuration;
use super::{Query, json};
use crate::engine::Fault;
use hyper::{Response, StatusCode};
use serde::Serialize;

/// The most functions of a page.
const PAGE: usize = 50;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    functions: Vec<Configuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

/// `ListFunctions`
pub(super) async fn answer(ask: &Ask<'_>, query: &Query) -> Result<Response<Body>, Fault> {
    let (limit, after) = query.paging(PAGE)?;
    let reply = ask
        .read(move |state, _| {
            let functions = behind(&state.functions, after.as_deref());
            let functions = functions.map(|(n, f)| (n, Configuration::of(f, &state.region)));
            let page = page(functions, limit);
            Reply { functions: page.items, next_marker: page.next }
        })
        .await?;
    json(ask, StatusCode::OK, &reply)
}

use super::super::ask::Ask;
use super::super::page::{behind, page};
use super::super::reply::Body;
use super::mapping::Shown;
use super::name::function;
use super::{Query, json};
use crate::engine::Fault;
use crate::services::mapping::Mapping;
use crate::topology::Region;
use hyper::{Response, StatusCode};
use serde::Serialize;

/// The most mappings of a page.
const PAGE: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    event_source_mappings: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

/// `ListEventSourceMappings`, of a function or a source or all.
pub(super) async fn answer(ask: &Ask<'_>, query: &Query) -> Result<Response<Body>, Fault> {
    let (limit, after) = query.paging(PAGE)?;
    let name = query.get("FunctionName").map(|given| function(ask.region(), given, None));
    let name = name.transpose()?;
    let source = query.get("EventSourceArn").map(str::to_owned);
    let reply = ask
        .read(move |state, _| {
            let mappings = behind(&state.mappings, after.as_deref())
                .filter(|(_, m)| name.as_deref().is_none_or(|name| m.spec.function == name))
                .filter(|(_, m)| source.as_deref().is_none_or(|arn| reads(m, arn, &state.region)))
                .map(|(uuid, mapping)| (uuid, Shown::of(mapping, &state.region)));
            let page = page(mappings, limit);
            Reply { event_source_mappings: page.items, next_marker: page.next }
        })
        .await?;
    json(ask, StatusCode::OK, &reply)
}

/// Whether a mapping's source is this queue, or this table's stream.
fn reads(mapping: &Mapping, arn: &str, region: &Region) -> bool {
    if let Some(queue) = mapping.queue() {
        return region.local("sqs", arn) == Some(queue);
    }
    let stream = region.local("dynamodb", arn).and_then(|rest| rest.strip_prefix("table/"));
    stream.and_then(|rest| rest.split('/').next()) == mapping.table()
}

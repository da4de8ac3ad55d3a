use super::super::action::unreadable;
use super::super::ask::Ask;
use super::super::reply::Body;
use super::{invalid, json};
use crate::engine::Fault;
use crate::services::schedule::CreateGroup;
use hyper::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    client_token: Option<String>,
    #[serde(default)]
    tags: Vec<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    schedule_group_arn: String,
}

/// `CreateScheduleGroup`
pub(super) async fn answer(
    ask: &Ask<'_>,
    name: &str,
    body: &[u8],
) -> Result<Response<Body>, Fault> {
    let request: Request = match body {
        [] => Request::default(),
        body => serde_json::from_slice(body).map_err(unreadable)?,
    };
    if !request.tags.is_empty() {
        return Err(invalid("Tags of a schedule group are not supported here."));
    }
    let create = CreateGroup { name: name.to_owned(), token: request.client_token };
    let schedule_group_arn = ask.submit(create).await?;
    json(ask, &Reply { schedule_group_arn })
}

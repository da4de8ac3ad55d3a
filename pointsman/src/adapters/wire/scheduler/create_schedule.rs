use super::super::action::unreadable;
use super::super::ask::Ask;
use super::super::reply::Body;
use super::json;
use super::schedule::Request;
use crate::engine::Fault;
use crate::services::schedule::CreateSchedule;
use hyper::Response;
use serde::Serialize;

/// The reply of `CreateSchedule` and `UpdateSchedule`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    pub(super) schedule_arn: String,
}

/// `CreateSchedule`
pub(super) async fn answer(
    ask: &Ask<'_>,
    name: &str,
    body: &[u8],
) -> Result<Response<Body>, Fault> {
    let mut request: Request = serde_json::from_slice(body).map_err(unreadable)?;
    let token = request.client_token.take();
    let spec = request.into_spec(name)?;
    let schedule_arn = ask.submit(CreateSchedule { spec, token }).await?;
    json(ask, &Reply { schedule_arn })
}

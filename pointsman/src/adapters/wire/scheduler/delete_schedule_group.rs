use super::super::ask::Ask;
use super::super::reply::Body;
use super::{Nothing, Query, json};
use crate::engine::Fault;
use crate::services::schedule::DeleteGroup;
use hyper::Response;

/// `DeleteScheduleGroup`
pub(super) async fn answer(
    ask: &Ask<'_>,
    name: &str,
    query: &Query,
) -> Result<Response<Body>, Fault> {
    ask.submit(DeleteGroup { name: name.to_owned(), token: query.token() }).await?;
    json(ask, &Nothing {})
}

use super::super::ask::Ask;
use super::super::reply::Body;
use super::{Nothing, Query, json};
use crate::engine::Fault;
use crate::services::schedule::DeleteSchedule;
use hyper::Response;

/// `DeleteSchedule`
pub(super) async fn answer(
    ask: &Ask<'_>,
    name: &str,
    query: &Query,
) -> Result<Response<Body>, Fault> {
    let (group, name, token) = (query.group(), name.to_owned(), query.token());
    ask.submit(DeleteSchedule { group, name, token }).await?;
    json(ask, &Nothing {})
}

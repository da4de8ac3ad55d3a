use super::super::ask::Ask;
use super::super::reply::Body;
use super::schedule::Reply;
use super::{Query, json};
use crate::engine::Fault;
use crate::services::schedule::existing;
use hyper::Response;

/// `GetSchedule`
pub(super) async fn answer(
    ask: &Ask<'_>,
    name: &str,
    query: &Query,
) -> Result<Response<Body>, Fault> {
    let (name, group) = (name.to_owned(), query.group());
    let look = ask.read(move |state, _| {
        existing(state, &group, &name).map(|schedule| Reply::of(schedule, &state.region))
    });
    json(ask, &look.await??)
}

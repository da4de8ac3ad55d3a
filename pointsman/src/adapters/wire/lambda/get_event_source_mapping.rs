use super::super::ask::Ask;
use super::super::reply::Body;
use super::json;
use super::mapping::{Shown, missing};
use crate::engine::Fault;
use hyper::{Response, StatusCode};

pub(super) async fn answer(ask: &Ask<'_>, uuid: &str) -> Result<Response<Body>, Fault> {
    json(ask, StatusCode::OK, &look(ask, uuid).await?)
}

pub(super) async fn look(ask: &Ask<'_>, uuid: &str) -> Result<Shown, Fault> {
    let uuid = uuid.to_owned();
    ask.read(move |state, _| {
        let mapping = state.mappings.get(uuid.as_str()).ok_or_else(missing)?;
        Ok(Shown::of(mapping, &state.region))
    })
    .await?
}

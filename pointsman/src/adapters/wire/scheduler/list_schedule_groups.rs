use super::super::ask::Ask;
use super::super::page::{behind, page};
use super::super::reply::Body;
use super::get_schedule_group::Reply as Group;
use super::{Query, json};
use crate::engine::Fault;
use hyper::Response;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    schedule_groups: Vec<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// `ListScheduleGroups`
pub(super) async fn answer(ask: &Ask<'_>, query: &Query) -> Result<Response<Body>, Fault> {
    let (limit, after) = query.paging()?;
    let prefix = query.get("NamePrefix").unwrap_or_default().to_owned();
    let look = ask.read(move |state, _| {
        let groups = behind(&state.schedules.groups, after.as_deref());
        let groups = groups.filter(|(name, _)| name.starts_with(&prefix));
        let groups = groups.map(|(name, group)| (name, Group::of(group, &state.region)));
        let page = page(groups, limit);
        Reply { schedule_groups: page.items, next_token: page.next }
    });
    json(ask, &look.await?)
}

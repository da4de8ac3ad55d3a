use super::super::ask::Ask;
use super::super::page::{behind, page};
use super::super::reply::Body;
use super::schedule::{state_of, word};
use super::{Query, json, seconds};
use crate::engine::{Fault, State};
use crate::services::schedule::{Schedule, existing_group};
use hyper::Response;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    schedules: Vec<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    arn: String,
    creation_date: f64,
    group_name: String,
    last_modification_date: f64,
    name: String,
    state: &'static str,
    target: Target,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    arn: String,
}

impl Summary {
    fn of(key: &str, schedule: &Schedule, state: &State) -> Summary {
        Summary {
            arn: state.region.schedule(key),
            creation_date: seconds(schedule.created),
            group_name: schedule.spec.group.clone(),
            last_modification_date: seconds(schedule.modified),
            name: schedule.spec.name.clone(),
            state: state_of(schedule.spec.enabled),
            target: Target { arn: schedule.spec.target.arn.clone() },
        }
    }
}

/// `ListSchedules`
pub(super) async fn answer(ask: &Ask<'_>, query: &Query) -> Result<Response<Body>, Fault> {
    let (limit, after) = query.paging()?;
    let group = query.get("ScheduleGroup").map(str::to_owned);
    let prefix = query.get("NamePrefix").unwrap_or_default().to_owned();
    let enabled = match query.get("State") {
        None => None,
        Some(state) => Some(word("state", state, ["ENABLED", "DISABLED"])?),
    };
    let look = ask.read(move |state, _| {
        if let Some(group) = &group {
            existing_group(state, group)?;
        }
        let wanted = |schedule: &Schedule| {
            let spec = &schedule.spec;
            group.as_ref().is_none_or(|group| spec.group == *group)
                && spec.name.starts_with(&prefix)
                && enabled.is_none_or(|enabled| spec.enabled == enabled)
        };
        let all = behind(&state.schedules.all, after.as_deref());
        let all = all.filter(|(_, schedule)| wanted(schedule));
        let page = page(all.map(|(key, s)| (key, Summary::of(key, s, state))), limit);
        Ok::<_, Fault>(Reply { schedules: page.items, next_token: page.next })
    });
    json(ask, &look.await??)
}

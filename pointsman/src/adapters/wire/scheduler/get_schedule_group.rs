use super::super::ask::Ask;
use super::super::reply::Body;
use super::{json, seconds};
use crate::engine::Fault;
use crate::services::schedule::{Group, existing_group};
use crate::topology::Region;
use hyper::Response;
use serde::Serialize;

/// A group, here and in lists.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    arn: String,
    creation_date: f64,
    last_modification_date: f64,
    name: String,
    state: &'static str,
}

impl Reply {
    pub(super) fn of(group: &Group, region: &Region) -> Reply {
        Reply {
            arn: region.schedule_group(&group.spec.name),
            creation_date: seconds(group.created),
            // A group has nothing that could be changed.
            last_modification_date: seconds(group.created),
            name: group.spec.name.clone(),
            state: "ACTIVE",
        }
    }
}

/// `GetScheduleGroup`
pub(super) async fn answer(ask: &Ask<'_>, name: &str) -> Result<Response<Body>, Fault> {
    let name = name.to_owned();
    let look = ask.read(move |state, _| {
        existing_group(state, &name).map(|group| Reply::of(group, &state.region))
    });
    json(ask, &look.await??)
}

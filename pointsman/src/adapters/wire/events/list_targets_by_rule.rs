use super::super::action::Action;
use super::super::ask::Ask;
use super::super::field::Int;
use super::super::page::page;
use super::required;
use super::target::Target;
use crate::engine::Fault;
use crate::services::bus::existing_rule;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    rule: Option<String>,
    event_bus_name: Option<String>,
    next_token: Option<String>,
    limit: Option<Int>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    targets: Vec<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let (limit, after) = super::paging(self.limit, self.next_token.as_deref())?;
        let rule = required(self.rule, "rule")?;
        let bus = super::bus(ask.region(), self.event_bus_name);
        ask.read(move |state, _| {
            let rule = existing_rule(state, &bus, &rule)?;
            let behind = |id: &str| after.as_deref().is_none_or(|after| id > after);
            let mut targets: Vec<_> = rule.spec.targets.iter().filter(|t| behind(&t.id)).collect();
            targets.sort_by(|a, b| a.id.cmp(&b.id));
            let targets = targets.into_iter().map(|target| (&target.id, Target::of(target)));
            let page = page(targets, limit);
            Ok(Reply { targets: page.items, next_token: page.next })
        })
        .await?
    }
}

use super::super::action::Action;
use super::super::ask::Ask;
use super::super::field::Int;
use super::super::page::{behind, page};
use super::describe_rule::Reply as Rule;
use crate::engine::Fault;
use crate::services::bus::existing;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    name_prefix: Option<String>,
    event_bus_name: Option<String>,
    next_token: Option<String>,
    limit: Option<Int>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    rules: Vec<Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let (limit, after) = super::paging(self.limit, self.next_token.as_deref())?;
        let bus = super::bus(ask.region(), self.event_bus_name);
        let prefix = self.name_prefix.unwrap_or_default();
        ask.read(move |state, _| {
            let rules = behind(&existing(state, &bus)?.rules, after.as_deref());
            let rules = rules.filter(|(name, _)| name.starts_with(&prefix));
            let rules = rules.map(|(name, rule)| (name, Rule::of(&rule.spec, state)));
            let page = page(rules, limit);
            Ok(Reply { rules: page.items, next_token: page.next })
        })
        .await?
    }
}

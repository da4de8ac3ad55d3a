use super::super::action::Action;
use super::super::ask::Ask;
use super::super::field::Int;
use super::super::page::{behind, page};
use super::paging;
use crate::engine::Fault;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_name_prefix: Option<String>,
    next_token: Option<String>,
    max_results: Option<Int>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let paging = paging(self.max_results, self.next_token.as_deref())?;
        let prefix = self.queue_name_prefix.unwrap_or_default();
        let endpoint = ask.wire.state.endpoint.clone();
        ask.read(move |state, _| {
            let queues = behind(&state.queues, paging.after.as_deref());
            let queues = queues.filter(|(name, _)| name.starts_with(&prefix));
            let queues = queues.map(|(name, _)| (name, state.region.queue_url(&endpoint, name)));
            let page = page(queues, paging.limit);
            Reply { queue_urls: page.items, next_token: page.next.filter(|_| paging.tells) }
        })
        .await
    }
}

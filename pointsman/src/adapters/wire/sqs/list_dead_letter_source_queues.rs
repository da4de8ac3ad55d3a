use super::super::action::Action;
use super::super::ask::Ask;
use super::super::field::Int;
use super::super::page::{behind, page};
use super::{paging, queue};
use crate::engine::Fault;
use crate::services::queue::existing;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
    next_token: Option<String>,
    max_results: Option<Int>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    /// The one member of SQS's that begins small.
    #[serde(rename = "queueUrls")]
    queue_urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let name = queue(ask.region(), self.queue_url)?;
        let paging = paging(self.max_results, self.next_token.as_deref())?;
        let endpoint = ask.wire.state.endpoint.clone();
        let arn = ask.region().queue(&name);
        ask.read(move |state, _| {
            existing(state, &name)?;
            let is_source = |redrive: &crate::topology::Redrive| redrive.target == arn;
            let sources = behind(&state.queues, paging.after.as_deref())
                .filter(|(_, queue)| queue.spec.redrive.as_ref().is_some_and(is_source))
                .map(|(name, _)| (name, state.region.queue_url(&endpoint, name)));
            let page = page(sources, paging.limit);
            Ok(Reply { queue_urls: page.items, next_token: page.next.filter(|_| paging.tells) })
        })
        .await?
    }
}

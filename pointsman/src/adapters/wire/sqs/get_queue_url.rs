use super::super::action::Action;
use super::super::ask::Ask;
use super::create_queue::Reply;
use super::required;
use crate::engine::{Fault, Name};
use crate::services::queue::existing;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let name: Name = required(self.queue_name, "QueueName")?.into();
        if let Some(owner) = self.owner.filter(|owner| *owner != ask.region().account) {
            return Err(Fault::new(
                "AWS.SimpleQueueService.NonExistentQueue",
                format!(
                    "The specified queue does not exist: this engine has account {}, not {owner}.",
                    ask.region().account
                ),
            ));
        }
        let queue_url = ask.region().queue_url(&ask.wire.state.endpoint, &name);
        ask.read(move |state, _| existing(state, &name).map(|_| ())).await??;
        Ok(Reply { queue_url })
    }
}

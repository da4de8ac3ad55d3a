use crate::engine::{
    Command, Context, Decision, Draft, Fact, Fault, InvocationId, Name, State, Why,
};
use crate::services::Change;
use crate::topology::{MappingSpec, Spec};

/// `UpdateEventSourceMapping`: `change` gets the settings as they are. Batches that run end under the old ones.
pub struct UpdateMapping {
    /// The mapping's UUID.
    pub mapping: Name,
    /// What changes.
    pub change: Change<MappingSpec>,
}

impl Command for UpdateMapping {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let Some(mapping) = state.mappings.get(&self.mapping) else {
            return Decision::refuse(Fault::new(
                "ResourceNotFoundException",
                "The resource you requested does not exist.",
            ));
        };
        let mut spec = mapping.spec.clone();
        if let Err(fault) = (self.change)(&mut spec) {
            return Decision::refuse(fault);
        }
        let mut draft = Draft::new(state, context);
        if spec != mapping.spec {
            let owner = mapping.owner.clone();
            draft.fact(Fact::ResourceSet { owner, spec: Spec::Mapping(spec) });
        }
        draft.reply(())
    }
}

/// Messages of a batch that the mapping's filter does not want: Lambda deletes them from the queue, and so do we, if
/// nobody else has received them since. The reply is whether the batch is still running.
#[derive(Debug)]
pub struct Filtered {
    /// The invocation that has the batch.
    pub invocation: InvocationId,
    /// Numbers of the messages.
    pub messages: Vec<u64>,
}

impl Command for Filtered {
    type Reply = bool;

    fn decide(&self, state: &State, context: &Context) -> Decision<bool> {
        let Some(Why::Messages { mapping, queue, messages: batch }) =
            state.invocations.get(&self.invocation).map(|i| &i.why)
        else {
            return Decision::reply(false);
        };
        let mut draft = Draft::new(state, context);
        let is_its_own = |seq: &u64| {
            let message = state.queues.get(queue).and_then(|q| q.message(*seq));
            batch.contains(seq) && message.is_some_and(|m| m.is_last_of(self.invocation))
        };
        let messages: Vec<u64> = self.messages.iter().copied().filter(is_its_own).collect();
        if !messages.is_empty() {
            draft.fact(Fact::Filtered {
                mapping: mapping.clone(),
                queue: queue.clone(),
                invocation: self.invocation,
                messages,
            });
        }
        draft.reply(true)
    }
}

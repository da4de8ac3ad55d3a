use crate::engine::{
    Command, Context, Decision, Draft, Effect, Fact, Invoke, Name, Payload, State, Why,
};
use crate::services::queue::{self, Take};

/// Most bytes of an event for a function; a batch of messages ends before.
const LARGEST_EVENT: usize = 6 * 1024 * 1024;

/// Takes the next batch from a queue, if there is one and there is room for it.
#[derive(Debug)]
pub(crate) struct Poll(pub(crate) Name);

impl Command for Poll {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        poll(&mut draft, &self.0);
        draft.reply(())
    }
}

fn poll(draft: &mut Draft<'_>, name: &Name) -> Option<()> {
    let (state, now) = (draft.state, draft.context.now);
    let mapping = state.mappings.get(name).filter(|m| m.spec.enabled)?;
    let queue_name: Name = mapping.queue()?.into();
    let queue = state.queues.get(&queue_name)?;
    let function = state.functions.get(mapping.spec.function.as_str())?;
    if queue.visible() == 0 || mapping.batches() >= mapping.at_once() || function.is_throttled() {
        return None;
    }
    let spec = &mapping.spec;
    if spec.window > 0 && queue.visible() < spec.batch_size as usize && !mapping.ripe {
        if mapping.due().is_none() {
            let until = now.plus_seconds(spec.window);
            draft.fact(Fact::WindowOpened { mapping: name.clone(), until });
        }
        return None;
    }
    let (id, request) = (draft.invocation(), draft.choices.id());
    let until = now.plus_seconds(queue.spec.visibility);
    let take = Take { messages: spec.batch_size as usize, bytes: LARGEST_EVENT };
    let messages = queue::hand_out(draft, &queue_name, take, until, Some(id));
    if messages.is_empty() {
        return None;
    }
    let why = Why::Messages {
        mapping: name.clone(),
        queue: queue_name.clone(),
        messages: messages.iter().map(|m| m.seq).collect(),
    };
    let function = mapping.function();
    draft.fact(Fact::InvocationStarted { id, request, function: function.clone(), why });
    let attempt = messages.iter().map(|m| m.receives).max().unwrap_or(1);
    let payload = Payload::Messages { mapping: name.clone(), queue: queue_name, messages };
    draft.effect(Effect::Invoke(Invoke { id, request, function, payload, attempt }));
    Some(())
}

/// A mapping has waited long enough.
#[derive(Debug)]
pub(crate) struct MappingDue(pub(crate) Name);

impl Command for MappingDue {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        if state.mappings.contains_key(&self.0) {
            draft.fact(Fact::MappingDue { mapping: self.0.clone() });
        }
        draft.reply(())
    }
}

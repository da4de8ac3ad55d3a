use crate::engine::{Command, Context, Decision, Draft, Fact, Name, State};

/// Gives a mapping that has no place in its stream yet this one: it goes on behind it.
///
/// For mappings that begin with what is written from now on. The place is journaled, so that nothing is passed over
/// when the engine stops before the first record comes.
#[derive(Debug)]
pub struct BeginReading {
    /// The mapping.
    pub mapping: Name,
    /// The last sequence number it does not want.
    pub cursor: String,
}

impl Command for BeginReading {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        if state.mappings.get(&self.mapping).is_some_and(|m| m.cursor.is_none()) {
            let (mapping, cursor) = (self.mapping.clone(), self.cursor.clone());
            draft.fact(Fact::StreamAdvanced { mapping, cursor });
        }
        draft.reply(())
    }
}

/// There are records for a mapping, but fewer than a batch: it waits for more, at most as long as its window.
#[derive(Debug)]
pub struct AwaitRecords {
    /// The mapping.
    pub mapping: Name,
}

impl Command for AwaitRecords {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        if let Some(mapping) = state.mappings.get(&self.mapping)
            && mapping.wants_records()
            && mapping.waits_for_more()
        {
            let until = context.now.plus_seconds(mapping.spec.window);
            draft.fact(Fact::WindowOpened { mapping: self.mapping.clone(), until });
        }
        draft.reply(())
    }
}

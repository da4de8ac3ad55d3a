use crate::Timestamp;

/// A command on its way out of a decision: at once, or not before a time.
///
/// It is a plain value, so that a pure decision can say when, without knowing how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<C> {
    /// What is asked for.
    pub command: C,
    /// The business time before which it is not to be delivered; `None` is at once.
    pub at: Option<Timestamp>,
    /// Whether it is the very command that was received, put off once more. That counts no hop:
    /// a wait of any length is no feedback loop.
    pub again: bool,
}

impl<C> Due<C> {
    /// At once.
    pub fn now(command: impl Into<C>) -> Self {
        Self { command: command.into(), at: None, again: false }
    }

    /// Not before `at`.
    pub fn at(command: impl Into<C>, at: Timestamp) -> Self {
        Self { command: command.into(), at: Some(at), again: false }
    }

    /// The command that was received came before `at`, and is put off until then.
    pub fn again(command: impl Into<C>, at: Timestamp) -> Self {
        Self { command: command.into(), at: Some(at), again: true }
    }
}

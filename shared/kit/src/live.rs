//! The right to act on the world, which a replay does not have.

/// Proof that what is being handled happens now, for the first time around.
///
/// Appending to a stream and effects outside take one by reference. The harnesses alone make them:
/// for a request, and for a record of the live stream of events. A replayed record comes without,
/// so rebuilding a read model from history can't send a mail or place an order, whatever its code
/// has captured.
#[derive(Debug)]
pub struct Live(());

impl Live {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// For tests of what takes one, and for programs an operator starts by hand.
    pub fn by_hand() -> Self {
        Self(())
    }
}

//! Where in a tree something belongs.

use super::{Cause, Follow, Hint, Key, What};

impl Follow {
    /// What somebody outside sends while holding a message with the same body was passed on by hand: redriven.
    pub(super) fn passed_on(&self, hint: &Hint) -> Option<usize> {
        let whole = hint.whole()?;
        let mut held = self.outside.iter().copied();
        held.find(|node| self.twigs[*node].hint.whole() == Some(whole))
    }

    pub(super) fn node(&self, key: &Key) -> Option<usize> {
        self.at.get(key).copied().flatten()
    }

    /// Whether something with this cause may belong to a tree, without looking into it.
    pub(super) fn concerns(&self, key: &Key, cause: &Cause) -> bool {
        self.at.contains_key(key)
            || match cause {
                Cause::Request(id) => self.at.contains_key(&Key::Request(*id)),
                Cause::Invocation(id) => self.runs.contains_key(id),
                Cause::Schedule { arn, scheduled } => {
                    self.at.contains_key(&Key::Firing(arn.clone(), *scheduled))
                }
                _ => false,
            }
    }

    /// Under which node something belongs: under none as a root, or not at all. Also whether others of a batch may have
    /// led to it.
    pub(super) fn parent(
        &mut self,
        key: &Key,
        cause: &Cause,
        hint: &Hint,
    ) -> Option<(Option<usize>, bool)> {
        if self.at.contains_key(key) {
            return Some((None, false));
        }
        match cause {
            Cause::Request(id) => Some((Some(self.node(&Key::Request(*id))?), false)),
            Cause::Schedule { arn, scheduled } => {
                Some((Some(self.node(&Key::Firing(arn.clone(), *scheduled))?), false))
            }
            Cause::Invocation(id) => {
                let run = self.runs.get(id)?;
                let led = run.nodes.iter().find(|node| hint.follows(&self.twigs[**node].hint));
                if let Some(node) = led {
                    return Some((Some(*node), false));
                }
                let first = *run.nodes.first()?;
                if run.given == 1 {
                    return Some((Some(first), false));
                }
                let all_tell = run.nodes.iter().all(|node| self.twigs[*node].hint.is_telling());
                let unlike_ours = hint.is_telling() && all_tell && run.given > run.nodes.len();
                if unlike_ours || run.others.iter().any(|other| hint.follows(other)) {
                    for node in run.nodes.clone() {
                        if let What::Invocation { others, .. } = &mut self.twigs[node].what {
                            *others += 1;
                        }
                    }
                    return None;
                }
                Some((Some(first), true))
            }
            _ => None,
        }
    }
}

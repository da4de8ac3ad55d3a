//! What the templates given now ask for; a state folder may know more, from stacks given before.

use super::StartError;
use super::start::{Stack, read};
use crate::engine::{Engine, Name, Owner};
use crate::topology::Spec;

/// Names of the stacks' HTTP APIs: one listener is needed for each.
pub(super) fn api_names(stacks: &[Stack]) -> Vec<String> {
    names(stacks, |spec| match spec {
        Spec::HttpApi(api) => Some(&api.name),
        _ => None,
    })
}

pub(super) fn function_names(stacks: &[Stack]) -> Vec<String> {
    names(stacks, |spec| match spec {
        Spec::Function(function) => Some(&function.name),
        _ => None,
    })
}

/// Lines to try.
pub(super) fn tries(stacks: &[Stack]) -> Vec<String> {
    stacks.iter().flat_map(|stack| stack.loaded.tries.clone()).collect()
}

/// APIs of stacks that the folder knows from before, with their stacks.
pub(super) async fn others(
    engine: &Engine,
    served: Vec<String>,
) -> Result<Vec<(Name, Name)>, StartError> {
    read(engine, move |state| {
        let others = state.apis.iter().filter(|(name, _)| !served.iter().any(|s| **s == ***name));
        let told = others.filter_map(|(name, api)| match &api.owner {
            Owner::Stack { stack, .. } => Some((name.clone(), stack.clone())),
            Owner::Engine | Owner::Api => None,
        });
        told.collect()
    })
    .await
}

/// In the order of the templates.
fn names(stacks: &[Stack], name: impl Fn(&Spec) -> Option<&String>) -> Vec<String> {
    let all = stacks.iter().flat_map(|stack| &stack.loaded.resources);
    all.filter_map(|resource| name(&resource.spec)).cloned().collect()
}

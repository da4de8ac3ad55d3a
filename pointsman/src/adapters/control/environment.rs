//! What a process needs that runs a function and was not started by the engine.

use super::Control;
use super::lines::lines;
use super::routes::{refuse, reply};
use crate::adapters::runner::Lease;
use crate::adapters::wire::Body;
use crate::topology::FunctionSpec;
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};

impl Control {
    /// The variables of a function, which is named by its own name or its binary's: for as long as the engine runs, or,
    /// with `?hold`, as a line that is followed by nothing, until the process is to end or the client goes.
    pub(super) async fn lend(&self, name: &str, query: Option<&str>) -> Response<Body> {
        let Some(function) = self.function(name).await else {
            let why = format!("no function or binary is called {name}");
            return refuse(StatusCode::NOT_FOUND, &why);
        };
        let runner = self.runner.clone();
        if query != Some("hold") {
            return match runner.borrow(&function) {
                Ok(variables) => reply(&object(variables)),
                Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
            };
        }
        let (lines, response) = lines(1);
        tokio::spawn(async move {
            let lent = tokio::select! {
                lent = runner.lend(&function) => lent,
                () = lines.closed() => return,
            };
            let Ok(Lease { variables, over }) = lent else { return };
            if lines.send(&object(variables)).await {
                tokio::select! {
                    () = over => {}
                    () = lines.closed() => {}
                }
            }
        });
        response
    }

    async fn function(&self, name: &str) -> Option<FunctionSpec> {
        let name = name.to_owned();
        let found = self.engine.read(move |state, _| {
            let specs = || state.functions.values().map(|function| &function.spec);
            let named = specs().find(|spec| spec.name == name);
            let named = named.or_else(|| specs().find(|s| s.binary.as_ref() == Some(&name)));
            named.cloned()
        });
        found.await.ok().flatten()
    }
}

fn object(variables: Vec<(String, String)>) -> Value {
    Value::from(variables.into_iter().map(|(n, v)| (n, v.into())).collect::<Map<_, _>>())
}

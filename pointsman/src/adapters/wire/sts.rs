//! STS, as far as `GetCallerIdentity`.

use super::action::{Action, Input, Output, run};
use super::ask::Ask;
use super::route::unknown;
use crate::engine::{Caller, Fault};
use serde::{Deserialize, Serialize};

pub(super) async fn answer(ask: &Ask<'_>, action: &str, input: Input) -> Result<Output, Fault> {
    match action {
        "GetCallerIdentity" => run::<GetCallerIdentity>(ask, action, input).await,
        _ => Err(unknown(format!("STS answers GetCallerIdentity here, not {action}."))),
    }
}

#[derive(Deserialize)]
struct GetCallerIdentity {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    arn: String,
    user_id: String,
    account: String,
}

impl Action for GetCallerIdentity {
    type Reply = Identity;

    /// A function is its role, whose session has the function's name; everybody else is the account's root.
    async fn run(self, ask: &Ask<'_>) -> Result<Identity, Fault> {
        let account = ask.region().account.clone();
        Ok(match &ask.asked.caller {
            Caller::Function(name) => Identity {
                arn: format!("arn:aws:sts::{account}:assumed-role/{name}/{name}"),
                user_id: format!("{}:{name}", name.to_uppercase()),
                account,
            },
            Caller::Operator | Caller::User { .. } | Caller::Engine => Identity {
                arn: format!("arn:aws:iam::{account}:root"),
                user_id: account.clone(),
                account,
            },
        })
    }
}

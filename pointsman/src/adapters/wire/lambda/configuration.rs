use crate::services::function::Function;
use crate::topology::Region;
use serde::Serialize;
use std::collections::BTreeMap;

/// A function's configuration, alone and in lists.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Configuration {
    function_name: String,
    function_arn: String,
    runtime: String,
    /// The role that the function's calls are made under.
    role: String,
    handler: String,
    code_size: u64,
    description: &'static str,
    timeout: u32,
    memory_size: u32,
    last_modified: String,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<DeadLetterConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    state: &'static str,
    last_update_status: &'static str,
    package_type: &'static str,
    architectures: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfig {
    target_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    variables: BTreeMap<String, String>,
}

impl Configuration {
    pub(super) fn of(function: &Function, region: &Region) -> Configuration {
        let spec = &function.spec;
        let dead_letter = spec.asynchronous.dead_letter.as_ref();
        Configuration {
            function_name: spec.name.clone(),
            function_arn: region.function(&spec.name),
            runtime: spec.runtime.clone(),
            role: format!("arn:aws:iam::{}:role/{}", region.account, spec.name),
            handler: spec.handler.clone(),
            // The binary is the runner's; here nobody has measured it.
            code_size: 0,
            description: "",
            timeout: spec.timeout,
            memory_size: spec.memory,
            last_modified: function.created.rfc3339_millis().replace('Z', "+0000"),
            version: "$LATEST",
            dead_letter_config: dead_letter
                .map(|to| DeadLetterConfig { target_arn: to.target.clone() }),
            environment: (!spec.environment.is_empty())
                .then(|| Environment { variables: spec.environment.clone() }),
            state: "Active",
            last_update_status: "Successful",
            package_type: "Zip",
            architectures: [spec.architecture.clone()],
        }
    }
}

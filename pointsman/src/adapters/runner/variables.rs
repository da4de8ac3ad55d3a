use crate::topology::{FunctionSpec, Region};
use std::path::Path;

/// What of the engine's own environment a function sees: where programs, temporary files and libraries are, and
/// whether panics show where they came from.
const INHERITED: [&str; 7] =
    ["PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "SSL_CERT_FILE"];

/// What the variables of one environment are made of.
pub(super) struct Variables<'a> {
    pub(super) spec: &'a FunctionSpec,
    pub(super) region: &'a Region,
    pub(super) program: &'a Path,
    /// `AWS_ENDPOINT_URL`
    pub(super) endpoint: &'a str,
    /// `AWS_LAMBDA_RUNTIME_API`
    pub(super) runtime_api: &'a str,
    pub(super) access_key: &'a str,
    pub(super) secret_key: &'a str,
    /// `AWS_LAMBDA_LOG_STREAM_NAME`
    pub(super) log_stream: &'a str,
}

impl Variables<'_> {
    /// All of them, each name once. Reserved names win over the template's, as Lambda refuses those there.
    pub(super) fn list(&self, own: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
        let spec = self.spec;
        let mut all = std::collections::BTreeMap::new();
        for name in INHERITED {
            if let Some(value) = own(name) {
                all.insert(name.to_owned(), value);
            }
        }
        all.extend(spec.environment.clone());
        let root = self.program.parent().unwrap_or(Path::new("/")).display().to_string();
        let mut set = |name: &str, value: String| all.insert(name.to_owned(), value);
        set("AWS_ENDPOINT_URL", self.endpoint.to_owned());
        set("AWS_LAMBDA_RUNTIME_API", self.runtime_api.to_owned());
        set("AWS_REGION", self.region.name.clone());
        set("AWS_DEFAULT_REGION", self.region.name.clone());
        set("AWS_ACCESS_KEY_ID", self.access_key.to_owned());
        set("AWS_SECRET_ACCESS_KEY", self.secret_key.to_owned());
        set("AWS_SESSION_TOKEN", "pointsman".to_owned());
        set("AWS_LAMBDA_FUNCTION_NAME", spec.name.clone());
        set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned());
        set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory.to_string());
        set("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", spec.name));
        set("AWS_LAMBDA_LOG_STREAM_NAME", self.log_stream.to_owned());
        set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned());
        // Lambda itself leaves it out for runtimes that are an operating system alone.
        if !spec.runtime.starts_with("provided") {
            set("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", spec.runtime));
        }
        set("LAMBDA_TASK_ROOT", root);
        set("_HANDLER", spec.handler.clone());
        set("TZ", ":UTC".to_owned());
        all.into_iter().collect()
    }
}

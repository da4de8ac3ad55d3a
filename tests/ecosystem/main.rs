//! AWS CLI, boto3 and the Rust SDK against the engine.

//! Requests that cannot be read, and errors as AWS writes them.

use super::super::Answer;
use bytes::Bytes;
use dynoxide::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;

type Result<T> = std::result::Result<T, DynoxideError>;

type Kind = fn(String) -> DynoxideError;

/// The library's readers mark which of AWS's errors a fault is.
const MARKS: [(&str, Kind); 5] = [
    ("SERIALIZATION_AS_READ:", DynoxideError::SerializationException),
    ("SERIALIZATION:", DynoxideError::SerializationException),
    ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
    ("VALIDATION_REQUEST:", DynoxideError::EnvelopedValidation),
    ("VALIDATION:", DynoxideError::ValidationException),
];

/// Reads a request's body.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_syntax() || error.is_eof() {
            return DynoxideError::SerializationException(String::new());
        }
        let message = error.to_string();
        for (mark, kind) in MARKS {
            if let Some(rest) = message.strip_prefix(mark) {
                let rest = if mark.ends_with("_AS_READ:") { rest } else { without_position(rest) };
                return kind(rest.to_owned());
            }
        }
        let message = without_position(&message);
        if let Some(member) = missing(message) {
            return DynoxideError::ValidationException(format!(
                "1 validation error detected: Value null at '{member}' failed to satisfy constraint: \
                 Member must not be null"
            ));
        }
        match message {
            _ if message.contains("Supplied AttributeValue") => {
                DynoxideError::ValidationException(message.to_owned())
            }
            _ if message.contains("unknown variant") || message.contains("invalid type: null") => {
                DynoxideError::ValidationException(message.to_owned())
            }
            _ => DynoxideError::SerializationException(message.to_owned()),
        }
    })
}

/// Writes an answer's body.
pub(super) fn print<T: Serialize>(response: &T) -> Result<Bytes> {
    serde_json::to_vec(response)
        .map(Bytes::from)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The answer to `operation`, of an error too.
pub(super) fn answer(operation: &str, result: Result<Bytes>) -> Answer {
    match result {
        Ok(body) => Answer { status: 200, body },
        Err(error) => {
            let error = as_told_by(operation, error);
            Answer { status: error.status_code(), body: error.to_json().into() }
        }
    }
}

/// An operation that does not exist, or not here.
pub(super) fn unknown_operation(operation: &str) -> Answer {
    let body = serde_json::json!({
        "__type": "com.amazon.coral.service#UnknownOperationException",
        "message": format!("{operation} is not an operation of the local tables"),
    });
    Answer { status: 400, body: body.to_string().into() }
}

/// Operations differ in how they word the same fault.
fn as_told_by(operation: &str, error: DynoxideError) -> DynoxideError {
    match (operation, error) {
        ("PutItem" | "UpdateItem" | "DeleteItem", DynoxideError::EnvelopedValidation(message)) => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        (_, DynoxideError::EnvelopedValidation(message)) => {
            DynoxideError::ValidationException(message)
        }
        (
            "ExecuteStatement",
            DynoxideError::ConditionalCheckFailedException(message, Some(item)),
        ) => DynoxideError::StatementConditionalCheckFailed(message, item),
        (_, error) => error,
    }
}

fn without_position(message: &str) -> &str {
    match message.rfind(" at line ") {
        Some(at) if message[at..].contains(" column ") => &message[..at],
        _ => message,
    }
}

/// The member that serde misses, in the lower camel case AWS names it by.
fn missing(message: &str) -> Option<String> {
    let member = message.strip_prefix("missing field `")?.strip_suffix('`')?;
    let mut letters = member.chars();
    let first = letters.next()?;
    Some(first.to_lowercase().chain(letters).collect())
}

//! What a function answers.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An HTTP response with a JSON body.
///
/// It can be stored and read back: the answer that an Idempotency-Key repeats is this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// Why a request was not done, as its caller is told: `{"error": …, "code": …, "field": …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The status code.
    pub status: u16,
    /// What is wrong, for the caller to read.
    pub error: String,
    /// What is wrong in a word, for programs, where the status alone does not say it.
    pub code: Option<&'static str>,
    /// Where in the request.
    pub field: Option<String>,
    /// What really happened, for the log alone.
    pub cause: Option<String>,
    headers: BTreeMap<String, String>,
}

impl Response {
    /// `status` with `body` as JSON.
    pub fn json(status: u16, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Self { status, headers: BTreeMap::new(), body }
                .header("content-type", "application/json"),
            Err(error) => Problem::internal(&error.to_string()).into(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.insert(name.to_ascii_lowercase(), value.to_string());
        self
    }
}

impl Problem {
    /// `status`, saying `error`.
    pub fn new(status: u16, error: &str) -> Self {
        let headers = BTreeMap::new();
        Self { status, error: error.to_owned(), code: None, field: None, cause: None, headers }
    }

    /// 400: the request is malformed.
    pub fn bad_request(error: &str) -> Self {
        Self::new(400, error)
    }

    /// 404: there is no such thing, or not for this caller.
    pub fn not_found(error: &str) -> Self {
        Self::new(404, error)
    }

    /// 409: it can't be done as things are.
    pub fn conflict(error: &str) -> Self {
        Self::new(409, error)
    }

    /// 422: well-formed, but not acceptable.
    pub fn unprocessable(error: &str) -> Self {
        Self::new(422, error)
    }

    /// 500, with `cause` for the log only.
    pub fn internal(cause: &str) -> Self {
        Self { cause: Some(cause.to_owned()), ..Self::new(500, "internal error") }
    }

    /// 503: worth trying again.
    pub fn unavailable(error: &str) -> Self {
        Self::new(503, error).header("retry-after", 1)
    }

    /// Adds the word for programs: stable, in PascalCase.
    #[must_use]
    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Names the field, header or parameter at fault.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.insert(name.to_ascii_lowercase(), value.to_string());
        self
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        #[derive(Serialize)]
        struct Body {
            error: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<String>,
        }
        let body = Body { error: problem.error, code: problem.code, field: problem.field };
        let mut response = Self::json(problem.status, &body);
        response.headers.extend(problem.headers);
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.cause.as_deref().unwrap_or(&self.error))
    }
}

impl std::error::Error for Problem {}

impl From<crate::table::Error> for Problem {
    /// What is left of a table's failure when nobody could do anything about it: 503 where trying
    /// again may help, else 500.
    fn from(error: crate::table::Error) -> Self {
        if error.is_retryable() {
            Self { cause: Some(error.to_string()), ..Self::unavailable("try again") }
        } else {
            Self::internal(&error.to_string())
        }
    }
}

impl From<crate::store::Error> for Problem {
    fn from(error: crate::store::Error) -> Self {
        match error {
            crate::store::Error::Table(error) => error.into(),
            error => Self::internal(&error.to_string()),
        }
    }
}

impl From<crate::store::NotAppendable> for Problem {
    fn from(error: crate::store::NotAppendable) -> Self {
        Self::internal(&error.to_string())
    }
}

impl From<pointsman_event::ReadError> for Problem {
    /// A stored event that today's code can't read: nothing a caller could do about.
    fn from(error: pointsman_event::ReadError) -> Self {
        Self::internal(&error.to_string())
    }
}

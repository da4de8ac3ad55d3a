use super::Failure;
use super::client::At;
use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Sign a token that the local HTTP APIs accept, and print it
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Token {
    /// Whose token it is
    #[arg(long)]
    sub: String,
    /// Scopes, apart by spaces
    #[arg(long, default_value = "")]
    scope: String,
    /// Audience; without it the one that the first authorizer wants
    #[arg(long)]
    aud: Option<String>,
    /// Issuer; without it the one that the first authorizer wants
    #[arg(long)]
    iss: Option<String>,
    /// Seconds until it expires; may be negative
    #[arg(long, default_value_t = 3600, allow_negative_numbers = true, value_name = "SECONDS")]
    expires_in: i64,
    /// A further claim; may be given several times
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Deserialize)]
struct Answer {
    token: String,
}

const EXAMPLES: &str = "\
Examples:
  curl localhost:3000/orders -H \"authorization: Bearer $(pointsman token --sub anna --scope orders:read)\"
  pointsman token --sub anna --claim admin=true      with a claim of its own
  pointsman token --sub anna --expires-in -60        one that has expired, to see it refused";

impl Token {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let mut more = Map::new();
        for claim in &self.claims {
            let (name, value) = claim
                .split_once('=')
                .ok_or_else(|| format!("--claim {claim}: NAME=VALUE is wanted"))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            more.insert(name.to_owned(), value);
        }
        let body = json!({
            "sub": self.sub, "scope": self.scope, "aud": self.aud, "iss": self.iss,
            "expires_in": self.expires_in, "more": more,
        });
        let answer: Answer = self.at.post("/_pointsman/token", &body)?;
        println!("{}", answer.token);
        Ok(ExitCode::SUCCESS)
    }
}

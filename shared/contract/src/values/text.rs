use super::Invalid;
use pointsman_event::Ulid;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A kind of text: what it is called, what it must be in words, as a check, and as a schema.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $must:literal, $check:expr, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                let check: fn(&str) -> bool = $check;
                if check(&text) {
                    Ok(Self(text))
                } else {
                    Err(Invalid { what: $what, must: $must })
                }
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                text.to_owned().try_into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text!(
    /// What can be ordered, as the shop numbers it.
    Sku,
    "sku",
    "1 to 40 characters of A-Z, 0-9 and -",
    |text| within(text, 1, 40)
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'),
    { "type": "string", "pattern": "^[A-Z0-9-]{1,40}$" }
);

text!(
    /// A currency, by its ISO 4217 code.
    Currency,
    "currency",
    "an ISO 4217 code: three letters A-Z",
    |text| within(text, 3, 3) && text.bytes().all(|b| b.is_ascii_uppercase()),
    { "type": "string", "pattern": "^[A-Z]{3}$" }
);

text!(
    /// A country, by its ISO 3166-1 code.
    Country,
    "country",
    "an ISO 3166-1 code: two letters A-Z",
    |text| within(text, 2, 2) && text.bytes().all(|b| b.is_ascii_uppercase()),
    { "type": "string", "pattern": "^[A-Z]{2}$" }
);

text!(
    /// A customer: the `sub` of its token, which OpenID Connect limits as is done here.
    CustomerId,
    "customer id",
    "1 to 255 visible ASCII characters",
    |text| within(text, 1, 255) && text.bytes().all(|b| b.is_ascii_graphic()),
    { "type": "string", "pattern": "^[!-~]{1,255}$" }
);

text!(
    /// An address to write to. Whether it exists is known only once a letter was answered.
    Email,
    "email",
    "an address of at most 254 characters, as in ann@example.com",
    |text| {
        within(text, 3, 254)
            && !text.chars().any(|c| c.is_whitespace() || is_unsendable(c))
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@')
            })
    },
    {
        "type": "string", "minLength": 3, "maxLength": 254,
        "pattern": "^[^@\\s\\u0000-\\u001f\\u007f-\\u009f\\ufffe\\uffff]+@[^@\\s\\u0000-\\u001f\\u007f-\\u009f\\ufffe\\uffff]+$"
    }
);

text!(
    /// What somebody is called.
    Name,
    "name",
    "1 to 100 characters, none a control character or a space at either end",
    |text| within(text, 1, 100) && is_line(text),
    { "type": "string", "minLength": 1, "maxLength": 100, "pattern": LINE }
);

text!(
    /// Street and number, or what is to be said beside them.
    Street,
    "street",
    "1 to 120 characters, none a control character or a space at either end",
    |text| within(text, 1, 120) && is_line(text),
    { "type": "string", "minLength": 1, "maxLength": 120, "pattern": LINE }
);

text!(
    /// A city.
    City,
    "city",
    "1 to 80 characters, none a control character or a space at either end",
    |text| within(text, 1, 80) && is_line(text),
    { "type": "string", "minLength": 1, "maxLength": 80, "pattern": LINE }
);

text!(
    /// A state or province.
    Region,
    "region",
    "1 to 80 characters, none a control character or a space at either end",
    |text| within(text, 1, 80) && is_line(text),
    { "type": "string", "minLength": 1, "maxLength": 80, "pattern": LINE }
);

text!(
    /// A postal code, as its country writes it.
    PostalCode,
    "postal code",
    "1 to 12 letters, digits, spaces or -, none a space at either end",
    |text| within(text, 1, 12)
        && is_line(text)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ' || b == b'-'),
    { "type": "string", "pattern": "^[A-Za-z0-9-]([A-Za-z0-9 -]{0,10}[A-Za-z0-9-])?$" }
);

text!(
    /// A payment, as the payment provider calls it.
    TransactionId,
    "transaction id",
    "1 to 100 visible ASCII characters",
    |text| within(text, 1, 100) && text.bytes().all(|b| b.is_ascii_graphic()),
    { "type": "string", "pattern": "^[!-~]{1,100}$" }
);

text!(
    /// A server, by its name.
    Host,
    "host",
    "1 to 100 characters of a-z, 0-9, . and -, the first a letter or digit",
    |text| within(text, 1, 100)
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-')
        }),
    { "type": "string", "pattern": "^[a-z0-9][a-z0-9.-]{0,99}$" }
);

/// A kind of thing that the shop numbers with ULIDs.
macro_rules! ulid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub Ulid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = pointsman_event::InvalidUlid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$" })
            }
        }
    };
}

ulid!(
    /// An order, by a ULID that the shop minted.
    OrderId
);

ulid!(
    /// A shipment, by a ULID that the shop minted.
    ShipmentId
);

/// Whether it has `min` to `max` characters, as JSON Schema counts them.
fn within(text: &str, min: usize, max: usize) -> bool {
    text.len() <= 4 * max && (min..=max).contains(&text.chars().count())
}

/// [`is_line`] as a pattern of JSON Schema.
const LINE: &str = r"^(?=\S)(?!.*\s$)[^\u0000-\u001f\u007f-\u009f\ufffe\uffff]+$";

/// Whether it is one line without space around it.
fn is_line(text: &str) -> bool {
    text.trim() == text && !text.chars().any(is_unsendable)
}

/// Whether SQS would not carry it, or a line has no place for it.
fn is_unsendable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

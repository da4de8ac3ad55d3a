//! Customers: the stream `customer#<customerId>`.

use crate::values::{CustomerId, Email, Name};
use pointsman_event::{Command, Event, Origin, SchemaVersion, event_set};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stream's type, the part of its name before `#`.
pub const STREAM: &str = "customer";
/// The source its events speak as.
pub const SOURCE: &str = "shop.customers";
/// The team that answers for customers.
pub const OWNER: &str = "customers";

event_set! {
    /// What happens to a customer.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum CustomerEvent { UserRegistered }
}

/// Somebody gave the shop a name and an address to write to. Ordering does not need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// The customer: the `sub` of the token it registered with.
    pub customer_id: CustomerId,
    /// What it is called.
    pub name: Name,
    /// Where it is written to.
    pub email: Email,
}

impl Event for UserRegistered {
    const NAME: &str = "UserRegistered";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "A customer registered: it can be written to, and its orders have a name.";
}

/// The body of POST `/customers`. Who registers is said by the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterUser {
    /// What the customer is called.
    pub name: Name,
    /// Where it is written to.
    pub email: Email,
}

impl Command for RegisterUser {
    const NAME: &str = "RegisterUser";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = Origin::Door;
    const OWNER: &str = OWNER;
    const REASON: &str = "Somebody wants to be known to the shop.";
}

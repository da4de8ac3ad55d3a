//! A customer: the stream `customer#<customerId>`, whose id is the `sub` of its token.

use crate::Refusal;
use contract::{
    customer::{CustomerEvent, RegisterUser, UserRegistered},
    values::{CustomerId, Email, Name},
};

/// A customer that has registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Who.
    pub id: CustomerId,
    /// What it is called.
    pub name: Name,
    /// Where it is written to.
    pub email: Email,
}

/// The state behind one more event.
#[must_use]
pub fn apply(state: Option<Customer>, event: &CustomerEvent) -> Option<Customer> {
    match event {
        CustomerEvent::UserRegistered(UserRegistered { customer_id, name, email }) => state
            .or_else(|| {
                let (name, email) = (name.clone(), email.clone());
                Some(Customer { id: customer_id.clone(), name, email })
            }),
    }
}

/// The state that `events` lead to.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a CustomerEvent>) -> Option<Customer> {
    events.into_iter().fold(None, apply)
}

/// Registers the caller. Doing so again with the same details changes nothing and is no fault, so
/// a client that never saw the answer may ask again, whatever its idempotency key.
///
/// # Errors
/// [`Refusal::AlreadyRegistered`] with other details: changing them is another matter, and a typing
/// error should not pass for a registration.
pub fn register(
    state: Option<&Customer>,
    command: &RegisterUser,
    caller: &CustomerId,
) -> Result<Vec<CustomerEvent>, Refusal> {
    let RegisterUser { name, email } = command;
    match state {
        None => {
            let (customer_id, name, email) = (caller.clone(), name.clone(), email.clone());
            Ok(vec![UserRegistered { customer_id, name, email }.into()])
        }
        Some(known) if known.name == *name && known.email == *email => Ok(Vec::new()),
        Some(_) => Err(Refusal::AlreadyRegistered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str, email: &str) -> RegisterUser {
        RegisterUser { name: name.parse().unwrap(), email: email.parse().unwrap() }
    }

    #[test]
    fn a_customer_registers_once_and_may_say_so_again() {
        let ann: CustomerId = "ann".parse().unwrap();
        let first = register(None, &command("Ann", "ann@example.com"), &ann).unwrap();
        let state = fold(&first);
        assert_eq!(first.len(), 1);
        assert_eq!(state.as_ref().map(|customer| &customer.id), Some(&ann));

        let again = register(state.as_ref(), &command("Ann", "ann@example.com"), &ann);
        assert_eq!(again, Ok(Vec::new()));
        for other in [command("Anna", "ann@example.com"), command("Ann", "ann@example.org")] {
            let refusal = register(state.as_ref(), &other, &ann);
            assert_eq!(refusal, Err(Refusal::AlreadyRegistered));
        }
    }

    #[test]
    fn a_second_registration_in_a_stream_changes_nothing() {
        let ann: CustomerId = "ann".parse().unwrap();
        let mut events = register(None, &command("Ann", "ann@example.com"), &ann).unwrap();
        let state = fold(&events);
        events.extend(register(None, &command("Eve", "eve@example.com"), &ann).unwrap());
        assert_eq!(fold(&events), state);
    }
}

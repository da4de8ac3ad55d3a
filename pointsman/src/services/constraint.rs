//! What a member of a request must be like, in the words that AWS's services have in common.

use crate::engine::Fault;

/// Holds a text to a length in characters.
///
/// # Errors
/// `ValidationException`, naming the member.
pub(crate) fn length(what: &str, text: &str, least: usize, most: usize) -> Result<(), Fault> {
    let wanted = match text.chars().count() {
        n if n < least => format!("greater than or equal to {least}"),
        n if n > most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    Err(violated(what, text, &format!("Member must have length {wanted}")))
}

/// Holds a number to a range.
///
/// # Errors
/// `ValidationException`, naming the member.
pub(crate) fn within(what: &str, value: u32, least: u32, most: u32) -> Result<(), Fault> {
    let wanted = match value {
        n if n < least => format!("greater than or equal to {least}"),
        n if n > most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    Err(violated(what, &value.to_string(), &format!("Member must have value {wanted}")))
}

/// The member is not of this form.
pub(crate) fn pattern(what: &str, value: &str, pattern: &str) -> Fault {
    let wanted = format!("Member must satisfy regular expression pattern: {pattern}");
    violated(what, value, &wanted)
}

fn violated(what: &str, value: &str, wanted: &str) -> Fault {
    let message = format!(
        "1 validation error detected: Value '{value}' at '{what}' failed to satisfy constraint: {wanted}"
    );
    Fault::new("ValidationException", message)
}

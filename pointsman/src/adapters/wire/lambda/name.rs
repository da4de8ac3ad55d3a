use super::invalid;
use crate::engine::{Fault, Name};
use crate::topology::Region;

/// The function that a request names: `payment`, `payment:$LATEST`, `000000000000:function:payment`, or its ARN.
///
/// # Errors
/// `ResourceNotFoundException` for a function of another account or region, and for a version or alias, of which
/// there are none but `$LATEST`; `InvalidParameterValueException` for two qualifiers that differ.
pub(super) fn function(
    region: &Region,
    given: &str,
    qualifier: Option<&str>,
) -> Result<Name, Fault> {
    let missing =
        |what: &str| Fault::new("ResourceNotFoundException", format!("Function not found: {what}"));
    let local = if given.starts_with("arn:") {
        let rest = region.local("lambda", given).and_then(|rest| rest.strip_prefix("function:"));
        rest.ok_or_else(|| missing(given))?
    } else {
        match given.split_once(":function:") {
            Some((account, _)) if account != region.account => return Err(missing(given)),
            Some((_, rest)) => rest,
            None => given.strip_prefix("function:").unwrap_or(given),
        }
    };
    let (name, own) = match local.split_once(':') {
        Some((name, own)) => (name, Some(own)),
        None => (local, None),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(invalid(format!(
            "{given:?} is no name of a function: 1 to 64 letters, digits, - and _."
        )));
    }
    match (own, qualifier) {
        (Some(own), Some(asked)) if own != asked => Err(invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
                .into(),
        )),
        (Some(version), _) | (None, Some(version)) if version != "$LATEST" => {
            Err(missing(&format!("{}:{version}", region.function(name))))
        }
        _ => Ok(name.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(given: &str, qualifier: Option<&str>, wanted: Result<&str, &str>) {
        let got = function(&Region::default(), given, qualifier);
        assert_eq!(got.as_deref().map_err(|f| f.code), wanted, "{given}");
    }

    #[test]
    fn a_function_is_named_by_name_by_partial_or_by_whole_arn() {
        let gone = Err("ResourceNotFoundException");
        let wrong = Err("InvalidParameterValueException");
        case("payment", None, Ok("payment"));
        case("payment", Some("$LATEST"), Ok("payment"));
        case("payment:$LATEST", Some("$LATEST"), Ok("payment"));
        case("000000000000:function:payment", None, Ok("payment"));
        case("arn:aws:lambda:us-east-1:000000000000:function:payment:$LATEST", None, Ok("payment"));
        case("payment:live", None, gone);
        case("payment", Some("7"), gone);
        case("111111111111:function:payment", None, gone);
        case("arn:aws:lambda:eu-west-1:000000000000:function:payment", None, gone);
        case("payment:$LATEST", Some("7"), wrong);
        case("pay ment", None, wrong);
        case("", None, wrong);
    }
}

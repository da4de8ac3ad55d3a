//! Dynamic references, `{{resolve:SERVICE:…}}`: each becomes the value that was given for it here.
//!
//! On AWS, CloudFormation reads Secrets Manager (`secretsmanager`) and the Parameter Store (`ssm`, `ssm-secure`). Here
//! [`Options::secrets`](super::Options::secrets) has the values, by the secret's or parameter's name.

use super::TemplateError;
use crate::topology::Place;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a dynamic reference begins with.
pub(crate) const START: &str = "{{resolve:";

/// Name of the file of secrets beside a template that is read by itself: for values that are worth nothing elsewhere.
pub const BESIDE: &str = "local.env";

/// Reads a file of secrets: a line `NAME=VALUE` for each. Empty lines, and lines that begin with `#`, are passed over;
/// space around a name or a value is no part of it, and quotes are.
///
/// # Errors
/// The file cannot be read, or a line is no such line: with its place, and never with a value.
pub fn read_secrets(path: &Path) -> Result<BTreeMap<String, String>, TemplateError> {
    let fault = |line: usize, message: String| TemplateError {
        place: Place {
            file: path.display().to_string(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: 1,
        },
        message,
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| fault(1, format!("cannot be read: {error}")))?;
    let mut secrets = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let pair = line.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let Some((name, value)) = pair.filter(|(name, _)| !name.is_empty()) else {
            return Err(fault(number, "is no secret: NAME=VALUE is wanted".into()));
        };
        if secrets.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(fault(number, format!("the secret {name} stands twice")));
        }
    }
    Ok(secrets)
}

/// The file of secrets beside a template, if there is one.
pub(crate) fn beside(template: &Path) -> Option<PathBuf> {
    Some(template.with_file_name(BESIDE)).filter(|path| path.is_file())
}

/// `text` with a value in the place of each reference; what is not understood in one goes to `remark`, as a
/// consequence. Or why one has no value.
pub(crate) fn put_in(
    text: &str,
    secrets: &BTreeMap<String, String>,
    remark: impl Fn(&str),
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(START) {
        let Some(length) = rest[start..].find("}}") else { break };
        let (before, from) = rest.split_at(start);
        let (reference, after) = from.split_at(length + "}}".len());
        out.push_str(before);
        match value(&reference[START.len()..length], secrets, &remark)? {
            Some(value) => out.push_str(&value),
            None => out.push_str(reference),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The value of a reference; `None` if it is of no service that is known.
fn value(
    reference: &str,
    secrets: &BTreeMap<String, String>,
    remark: impl Fn(&str),
) -> Result<Option<String>, String> {
    let (service, rest) = reference.split_once(':').unwrap_or((reference, ""));
    // An ARN has colons of its own.
    let parts: Vec<&str> = match (service, rest.starts_with("arn:")) {
        ("secretsmanager", true) => after(rest, 7),
        ("ssm" | "ssm-secure", true) => after(rest, 6),
        ("secretsmanager" | "ssm" | "ssm-secure", false) => rest.split(':').collect(),
        _ => {
            remark("is of no service that is known here: the text stays as it stands");
            return Ok(None);
        }
    };
    let part = |at: usize| parts.get(at).copied().filter(|part| !part.is_empty());
    let Some(id) = part(0) else {
        return Err(format!("a dynamic reference of {service} names nothing"));
    };
    let found = secrets.get(id).or_else(|| secrets.get(id.rsplit_once(":secret:")?.1));
    let Some(secret) = found else {
        return Err(format!(
            "no value is given for the secret «{id}»: give --secret '{id}=VALUE', or that line in a file for --secrets \
             or in {BESIDE} beside the template"
        ));
    };
    if service != "secretsmanager" {
        if part(1).is_some() {
            remark("has one version here: the one that was given");
        }
        return Ok(Some(secret.clone()));
    }
    if part(1).is_some_and(|kind| kind != "SecretString") {
        return Err(format!("of the secret «{id}» only SecretString can be referred to"));
    }
    if part(3).or(part(4)).is_some() {
        remark("has one version here: the one that was given");
    }
    match part(2) {
        None => Ok(Some(secret.clone())),
        Some(key) => of_json(id, key, secret).map(Some),
    }
}

/// What stands under a key of a secret of JSON.
fn of_json(id: &str, key: &str, secret: &str) -> Result<String, String> {
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(secret);
    let object = object.map_err(|_| {
        format!("«{key}» of the secret «{id}» is asked for, but the value given is no JSON object")
    })?;
    match object.get(key) {
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
        None => Err(format!("the secret «{id}» has no key «{key}»")),
    }
}

/// The first `fields` parts of an ARN as one, and what follows it.
fn after(text: &str, fields: usize) -> Vec<&str> {
    let end = text.match_indices(':').nth(fields - 1).map_or(text.len(), |(at, _)| at);
    let (arn, rest) = text.split_at(end);
    std::iter::once(arn).chain(rest.split(':').skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn given() -> BTreeMap<String, String> {
        let given =
            [("shop/hook", "s3cret"), ("db", r#"{"user":"anna","port":5432}"#), ("/p", "v")];
        given.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[track_caller]
    fn gives(text: &str, value: &str) {
        let remarks = RefCell::new(Vec::new());
        let put = put_in(text, &given(), |remark| remarks.borrow_mut().push(remark.to_owned()));
        assert_eq!(put.as_deref(), Ok(value), "{text}");
        assert_eq!(remarks.into_inner(), [""; 0], "{text}");
    }

    #[test]
    fn a_reference_becomes_the_value_that_was_given() {
        gives("{{resolve:secretsmanager:shop/hook}}", "s3cret");
        gives("{{resolve:secretsmanager:shop/hook:SecretString}}", "s3cret");
        gives("{{resolve:secretsmanager:shop/hook:SecretString:::}}", "s3cret");
        gives("{{resolve:secretsmanager:db:SecretString:user}}", "anna");
        gives("{{resolve:secretsmanager:db:SecretString:port::}}", "5432");
        gives("{{resolve:ssm:/p}}", "v");
        gives("{{resolve:ssm-secure:/p}}", "v");
        let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db";
        gives(&format!("{{{{resolve:secretsmanager:{arn}:SecretString:user}}}}"), "anna");
        gives(
            "pg://{{resolve:secretsmanager:db:SecretString:user}}@{{resolve:ssm:/p}}/x",
            "pg://anna@v/x",
        );
        gives("{{resolve:ssm:unclosed", "{{resolve:ssm:unclosed");
        gives("nothing {{to}} resolve", "nothing {{to}} resolve");
    }

    #[track_caller]
    fn refuses(text: &str, why: &str) {
        let fault = put_in(text, &given(), |_| {}).unwrap_err();
        assert!(fault.contains(why), "{text}: {fault}");
        assert!(!fault.contains("s3cret") && !fault.contains("anna"), "a value is told: {fault}");
    }

    #[test]
    fn without_a_value_it_says_how_to_give_one_and_never_tells_another() {
        refuses("{{resolve:ssm:/q}}", "give --secret '/q=VALUE'");
        refuses("{{resolve:secretsmanager:}}", "names nothing");
        refuses("{{resolve:secretsmanager:db:SecretString:host}}", "has no key «host»");
        refuses("{{resolve:secretsmanager:shop/hook:SecretString:x}}", "no JSON object");
        refuses("{{resolve:secretsmanager:db:SecretBinary}}", "only SecretString");
    }

    #[test]
    fn what_is_not_as_on_aws_is_told() {
        for (text, put) in [
            ("{{resolve:ssm:/p:3}}", "v"),
            ("{{resolve:secretsmanager:shop/hook:SecretString::AWSPREVIOUS}}", "s3cret"),
            ("{{resolve:s3:bucket}}", "{{resolve:s3:bucket}}"),
        ] {
            let remarks = RefCell::new(0);
            let done = put_in(text, &given(), |_| *remarks.borrow_mut() += 1);
            assert_eq!((done.as_deref(), remarks.into_inner()), (Ok(put), 1), "{text}");
        }
    }

    #[test]
    fn a_file_has_a_secret_a_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(BESIDE);
        let read = |text: &str| {
            std::fs::write(&path, text).expect("it is written");
            read_secrets(&path)
        };
        let secrets = read("# for this machine\n\n a/b = x=y \nempty=\r\n").expect("secrets");
        let expected = [("a/b", "x=y"), ("empty", "")];
        assert!(secrets.iter().map(|(n, v)| (n.as_str(), v.as_str())).eq(expected));
        for (text, why) in [
            ("a=1\nnonsense s3cret", ":2:1: is no secret"),
            ("=1", ":1:1: is no secret"),
            ("a=1\na=2", ":2:1: the secret a stands twice"),
        ] {
            let fault = read(text).unwrap_err().to_string();
            assert!(fault.contains(why) && !fault.contains("s3cret"), "{fault}");
        }
        let nowhere = read_secrets(&folder.path().join("nowhere")).unwrap_err();
        assert!(nowhere.to_string().contains(":1:1: cannot be read"), "{nowhere}");
        assert_eq!(beside(&folder.path().join("template.yaml")), Some(path));
    }

    #[test]
    fn the_file_beside_a_template_is_read_by_itself_and_counts_less_than_what_is_given() {
        let folder = tempfile::tempdir().expect("a folder");
        let template = folder.path().join("template.yaml");
        let text = "Resources: {}\nOutputs: {O: {Value: '{{resolve:ssm:/p}}'}}\n";
        std::fs::write(&template, text).expect("it is written");
        let mut options = crate::template::Options::default();
        let value = |options: &_| {
            let loaded = crate::template::load(&template, options)?;
            Ok::<_, TemplateError>((loaded.outputs[0].value.clone(), loaded.files.len()))
        };
        let fault = value(&options).unwrap_err().to_string();
        assert!(fault.contains("template.yaml:2:") && fault.contains("--secret"), "{fault}");
        std::fs::write(folder.path().join(BESIDE), "/p=beside\n").expect("it is written");
        assert_eq!(value(&options), Ok(("beside".into(), 2)));
        options.secrets.insert("/p".into(), "given".into());
        assert_eq!(value(&options), Ok(("given".into(), 2)));
    }
}

//! One entry of a field's list → the [`Condition`] it means.

use crate::condition::{Bound, Condition, Numeric, Shape};
use crate::error::{Kind, PatternError};
use crate::fold::Fold;
use crate::ip::{self, Cidr};
use crate::limits::Limits;
use crate::number;
use crate::tree::{Member, Node, Value};
use crate::wildcard::Wildcard;

/// Where in the pattern we are, for errors, and what it may hold.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(crate) text: &'a str,
    pub(crate) limits: &'a Limits,
    /// The JSON path, as in `$.detail.total[0]`.
    pub(crate) path: String,
}

impl Place<'_> {
    pub(crate) fn child(&self, step: impl AsRef<str>) -> Self {
        Place { path: format!("{}.{}", self.path, step.as_ref()), ..self.clone() }
    }

    pub(crate) fn element(&self, index: usize) -> Self {
        Place { path: format!("{}[{index}]", self.path), ..self.clone() }
    }

    pub(crate) fn refuse(
        &self,
        at: usize,
        fault: impl Into<String>,
        remedy: impl Into<String>,
    ) -> PatternError {
        PatternError::new(Kind::Meaning, self.text, at, &self.path, fault, remedy)
    }

    pub(crate) fn exceeds(
        &self,
        at: usize,
        fault: impl Into<String>,
        remedy: impl Into<String>,
    ) -> PatternError {
        PatternError::new(Kind::Limit, self.text, at, &self.path, fault, remedy)
    }
}

type Parsed<T> = Result<T, PatternError>;

/// Reads one entry: a value to equal, or an object with one operator.
pub(crate) fn condition(place: &Place<'_>, node: &Node<'_>) -> Parsed<Condition> {
    Ok(match &node.value {
        Value::String(text) => match ip::address(text) {
            Some(ip) => Condition::Address(text.clone(), ip),
            None => Condition::Text(text.clone()),
        },
        Value::Number(text) => Condition::Number((*text).to_owned(), number::exact(text)),
        Value::True => Condition::True,
        Value::False => Condition::False,
        Value::Null => Condition::Null,
        Value::Object(members) => return operator(place, node.at, members),
        Value::Array(_) => {
            return Err(place.refuse(
                node.at,
                "Match value must be String, number, true, false, or null",
                "an array in the event is matched by any of its elements, so list the values \
                 themselves",
            ));
        }
    })
}

fn operator(place: &Place<'_>, at: usize, members: &[Member<'_>]) -> Parsed<Condition> {
    let Member { at, key, node } = single(place, at, members)?;
    let place = &place.child(key);
    Ok(match key.as_str() {
        "prefix" | "suffix" => Condition::Is(end(place, key, node)?),
        "equals-ignore-case" => {
            Condition::Is(Shape::IgnoreCase(Fold::new(string(place, key, node)?)))
        }
        "wildcard" => Condition::Is(wildcard(place, node)?),
        "anything-but" => anything_but(place, node)?,
        "numeric" => Condition::Numeric(numeric(place, node)?),
        "cidr" => {
            let block = Cidr::parse(string(place, key, node)?).map_err(|fault| {
                place.refuse(node.at, fault, "write it like \"10.0.0.0/24\" or \"2001:db8::/32\"")
            })?;
            Condition::Cidr(block)
        }
        "exists" => match node.value {
            Value::True => Condition::Exists,
            Value::False => Condition::Absent,
            _ => {
                return Err(place.refuse(
                    node.at,
                    "exists match pattern must be either true or false.",
                    "write {\"exists\": true} or {\"exists\": false}",
                ));
            }
        },
        other => {
            return Err(place.refuse(
                *at,
                format!("Unrecognized match type {other}"),
                "use prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, cidr or \
                 exists; a plain value is written without an object",
            ));
        }
    })
}

/// `{"prefix": "x"}` or `{"prefix": {"equals-ignore-case": "x"}}`, and suffix.
fn end(place: &Place<'_>, key: &str, node: &Node<'_>) -> Parsed<Shape> {
    let prefix = key == "prefix";
    let Value::Object(members) = &node.value else {
        let text = string(place, key, node)?.to_owned();
        return Ok(if prefix { Shape::Prefix(text) } else { Shape::Suffix(text) });
    };
    let Member { at, key: inner, node } = single(place, node.at, members)?;
    let place = &place.child(inner);
    if inner != "equals-ignore-case" {
        return Err(place.refuse(
            *at,
            format!("Unsupported {key} pattern: {inner}"),
            format!("only equals-ignore-case can stand inside {key}"),
        ));
    }
    let fold = Fold::new(string(place, inner, node)?);
    Ok(if prefix { Shape::PrefixIgnoreCase(fold) } else { Shape::SuffixIgnoreCase(fold) })
}

fn wildcard(place: &Place<'_>, node: &Node<'_>) -> Parsed<Shape> {
    let text = string(place, "wildcard", node)?;
    let compiled = Wildcard::parse(text).map_err(|fault| {
        place.refuse(
            node.at,
            fault,
            "one '*' stands for any characters; write \\\\* for a star and \\\\\\\\ for a \
             backslash (as JSON text)",
        )
    })?;
    if let Some(most) = place.limits.wildcard_stars
        && compiled.stars() > most
    {
        return Err(place.exceeds(
            node.at,
            "Rule is too complex - try using fewer wildcard characters",
            format!("use at most {most} stars"),
        ));
    }
    Ok(Shape::Wildcard(text.to_owned(), compiled))
}

fn anything_but(place: &Place<'_>, node: &Node<'_>) -> Parsed<Condition> {
    match &node.value {
        Value::Object(members) => {
            let Member { at, key, node } = single(place, node.at, members)?;
            let place = &place.child(key);
            let build: fn(&Place<'_>, &Node<'_>) -> Parsed<Shape> = match key.as_str() {
                "prefix" => |place, node| Ok(Shape::Prefix(full_string(place, "prefix", node)?)),
                "suffix" => |place, node| Ok(Shape::Suffix(full_string(place, "suffix", node)?)),
                "equals-ignore-case" => |place, node| {
                    Ok(Shape::IgnoreCase(Fold::new(string(place, "equals-ignore-case", node)?)))
                },
                "wildcard" => wildcard,
                other => {
                    return Err(place.refuse(
                        *at,
                        format!("Unsupported anything-but pattern: {other}"),
                        "inside anything-but use prefix, suffix, equals-ignore-case or wildcard",
                    ));
                }
            };
            each(place, node, build).map(Condition::AnythingBut)
        }
        Value::Array(nodes)
            if matches!(nodes.first(), Some(Node { value: Value::Number(_), .. })) =>
        {
            each(place, node, excluded_number).map(Condition::AnythingButNumbers)
        }
        Value::Number(_) => Ok(Condition::AnythingButNumbers(vec![excluded_number(place, node)?])),
        Value::Array(_) | Value::String(_) => {
            each(place, node, excluded_string).map(Condition::AnythingBut)
        }
        _ => Err(place.refuse(
            node.at,
            "Value of anything-but must be an array or single string/number value.",
            "to exclude true, false or null, list the values that are wanted instead",
        )),
    }
}

fn excluded_string(place: &Place<'_>, node: &Node<'_>) -> Parsed<Shape> {
    match &node.value {
        Value::String(text) => Ok(Shape::Exactly(text.clone())),
        other => Err(not_excludable(place, node.at, other)),
    }
}

fn excluded_number(place: &Place<'_>, node: &Node<'_>) -> Parsed<(String, f64)> {
    match &node.value {
        Value::Number(text) => Ok(((*text).to_owned(), comparable(place, node.at, text)?)),
        other => Err(not_excludable(place, node.at, other)),
    }
}

fn not_excludable(place: &Place<'_>, at: usize, value: &Value<'_>) -> PatternError {
    let fault = match value {
        Value::String(_) | Value::Number(_) => {
            "Inside anything but list, either all values are number or string, mixed type is not \
             supported"
        }
        _ => "Inside anything but list, start|null|boolean is not supported.",
    };
    place.refuse(at, fault, "list strings only, or numbers only")
}

/// One value or a list of at least one.
fn each<T>(
    place: &Place<'_>,
    node: &Node<'_>,
    build: impl Fn(&Place<'_>, &Node<'_>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    let Value::Array(nodes) = &node.value else { return Ok(vec![build(place, node)?]) };
    if nodes.is_empty() {
        return Err(place.refuse(
            node.at,
            "Empty arrays are not allowed",
            "name at least one value, or use {\"exists\": true} for any value",
        ));
    }
    nodes.iter().enumerate().map(|(i, node)| build(&place.element(i), node)).collect()
}

/// `[op, number]` or `[">" | ">=", low, "<" | "<=", high]`.
fn numeric(place: &Place<'_>, node: &Node<'_>) -> Parsed<Numeric> {
    let Value::Array(terms) = &node.value else {
        return Err(bad_numeric(place, node.at, "Value of numeric must be an array."));
    };
    match &terms[..] {
        [operator, number] => Ok(match bound(place, operator, number)? {
            (op, low) if op.starts_with('>') => Numeric { low: Some(low), high: None },
            (op, high) if op.starts_with('<') => Numeric { low: None, high: Some(high) },
            (_, equal) => Numeric { low: Some(equal.clone()), high: Some(equal) },
        }),
        [low_operator, low, high_operator, high] => {
            let (low_op, low) = bound(place, low_operator, low)?;
            let (high_op, high) = bound(place, high_operator, high)?;
            if !low_op.starts_with('>') {
                let fault = "Too many elements in numeric expression";
                return Err(bad_numeric(place, high_operator.at, fault));
            }
            if !high_op.starts_with('<') {
                let fault = format!("Bad numeric range operator: {high_op}");
                return Err(bad_numeric(place, high_operator.at, fault));
            }
            if low.value >= high.value {
                return Err(bad_numeric(place, node.at, "Bottom must be less than top"));
            }
            Ok(Numeric { low: Some(low), high: Some(high) })
        }
        _ => {
            let fault = "numeric takes an operator and a number, or two of each";
            Err(bad_numeric(place, node.at, fault))
        }
    }
}

fn bound<'n>(
    place: &Place<'_>,
    operator: &'n Node<'_>,
    number: &Node<'_>,
) -> Parsed<(&'n str, Bound)> {
    let Value::String(op) = &operator.value else {
        return Err(bad_numeric(place, operator.at, "Invalid member in numeric match"));
    };
    if !matches!(op.as_str(), "=" | "<" | "<=" | ">" | ">=") {
        let fault = format!("Unrecognized numeric range operator: {op}");
        return Err(bad_numeric(place, operator.at, fault));
    }
    let Value::Number(text) = &number.value else {
        let name = if op == "=" { "equals" } else { op };
        return Err(bad_numeric(place, number.at, format!("Value of {name} must be numeric")));
    };
    let value = comparable(place, number.at, text)?;
    Ok((op, Bound { text: (*text).to_owned(), value, inclusive: op.contains('=') }))
}

fn bad_numeric(place: &Place<'_>, at: usize, fault: impl Into<String>) -> PatternError {
    let remedy = "write [\"=\", 5], [\">\", 5] or [\">=\", 0, \"<\", 10], lower bound first";
    place.refuse(at, fault, remedy)
}

fn comparable(place: &Place<'_>, at: usize, text: &str) -> Parsed<f64> {
    number::exact(text).ok_or_else(|| {
        place.refuse(
            at,
            format!("Cannot compare number : {text}"),
            "use a number a 64-bit float holds without rounding, or compare it as a string",
        )
    })
}

/// The one member of a match expression.
fn single<'m, 't>(
    place: &Place<'_>,
    at: usize,
    members: &'m [Member<'t>],
) -> Parsed<&'m Member<'t>> {
    match members {
        [only] => Ok(only),
        [] => Err(place.refuse(
            at,
            "Match expression name not found",
            "name an operator, as in {\"prefix\": \"a\"}",
        )),
        [_, second, ..] => Err(place.refuse(
            second.at,
            "Only one key allowed in match expression",
            "give each operator an object of its own in the list",
        )),
    }
}

fn string<'n>(place: &Place<'_>, operator: &str, node: &'n Node<'_>) -> Parsed<&'n str> {
    match &node.value {
        Value::String(text) => Ok(text),
        _ => Err(place.refuse(
            node.at,
            format!("{operator} match pattern must be a string"),
            format!("write {{\"{operator}\": \"text\"}}"),
        )),
    }
}

fn full_string(place: &Place<'_>, operator: &str, node: &Node<'_>) -> Parsed<String> {
    match string(place, operator, node)? {
        "" => Err(place.refuse(
            node.at,
            "Null prefix/suffix not allowed",
            "every string starts and ends with the empty text, so nothing would match",
        )),
        text => Ok(text.to_owned()),
    }
}

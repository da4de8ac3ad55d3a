//! A pattern's tree → fields and alternatives.
//!
//! A pattern is an OR of alternatives (one, unless there is `$or`), an alternative an AND of
//! fields, a field an OR of conditions. A later field of the same path replaces an earlier one.

use std::collections::{BTreeMap, HashMap};

use crate::condition::Condition;
use crate::error::PatternError;
use crate::limits::Limits;
use crate::operator::{Place, condition};
use crate::tree::{Member, Node, Value};

/// A field and what is asked of it.
#[derive(Debug)]
pub(crate) struct Field {
    /// The names from the top joined by dots: `{"a": {"b": …}}` and `{"a.b": …}` are one path.
    pub(crate) path: String,
    pub(crate) conditions: Vec<Condition>,
}

impl Field {
    /// Whether the field may be missing.
    pub(crate) fn takes_absence(&self) -> bool {
        self.conditions.iter().any(|c| matches!(c, Condition::Absent))
    }
}

/// The compiled form.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) fields: Vec<Field>,
    /// Each alternative's fields, ordered by path (array consistency is judged in that order).
    pub(crate) alternatives: Vec<Vec<usize>>,
}

pub(crate) fn compile(
    text: &str,
    root: &Node<'_>,
    limits: &Limits,
) -> Result<Compiled, PatternError> {
    let place = Place { text, limits, path: "$".to_owned() };
    let Value::Object(members) = &root.value else {
        return Err(place.refuse(
            root.at,
            "Filter is not an object",
            "write {\"field\": [\"value\"]}",
        ));
    };
    // `$or` was a field's name before it was an operator, and still is one where the pattern
    // makes no sense otherwise.
    Compiler::run(&place, root.at, members, true).or_else(|error| {
        if error.is_limit() {
            return Err(error);
        }
        Compiler::run(&place, root.at, members, false).map_err(|_| error)
    })
}

/// Each alternative: path (by its number in [`Compiler::paths`]) → field.
type Alternatives = Vec<BTreeMap<usize, usize>>;

struct Compiler {
    or_is_operator: bool,
    paths: HashMap<String, usize>,
    fields: Vec<Field>,
}

/// Fields of all alternatives together, so that what `$or` multiplies stays within memory.
const MOST_FIELDS_IN_ALL: usize = 1 << 18;

/// Names that have a meaning inside `$or`, now or by reservation.
const RESERVED: [&str; 24] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

impl Compiler {
    fn run(
        place: &Place<'_>,
        at: usize,
        members: &[Member<'_>],
        or_is_operator: bool,
    ) -> Result<Compiled, PatternError> {
        let mut compiler = Compiler { or_is_operator, paths: HashMap::new(), fields: Vec::new() };
        let mut alternatives = Vec::from([BTreeMap::new()]);
        compiler.object(place, at, None, members, false, &mut alternatives)?;
        let fields = compiler.fields;
        let by_path = |alternative: BTreeMap<usize, usize>| {
            let mut chosen: Vec<usize> = alternative.into_values().collect();
            chosen.sort_by(|a, b| fields[*a].path.cmp(&fields[*b].path));
            chosen
        };
        let alternatives = alternatives.into_iter().map(by_path).collect();
        Ok(Compiled { fields, alternatives })
    }

    fn object(
        &mut self,
        place: &Place<'_>,
        at: usize,
        above: Option<&str>,
        members: &[Member<'_>],
        inside_or: bool,
        alternatives: &mut Alternatives,
    ) -> Result<(), PatternError> {
        if members.is_empty() {
            return Err(place.refuse(
                at,
                "Empty objects are not allowed",
                "name a field, or leave the object out",
            ));
        }
        for Member { at, key, node } in members {
            let place = &place.child(key);
            if self.or_is_operator && key == "$or" {
                self.or(place, above, node, alternatives)?;
                continue;
            }
            if inside_or && RESERVED.contains(&key.as_str()) {
                return Err(place.refuse(
                    *at,
                    format!("{key} is Ruler reserved fieldName which cannot be used inside $or."),
                    "a field of that name can only be matched outside $or",
                ));
            }
            let path = above.map_or_else(|| key.clone(), |above| format!("{above}.{key}"));
            match &node.value {
                Value::Object(members) => {
                    self.object(place, node.at, Some(&path), members, inside_or, alternatives)?;
                }
                Value::Array(nodes) => self.field(place, node.at, path, nodes, alternatives)?,
                _ => {
                    return Err(place.refuse(
                        node.at,
                        format!("\"{key}\" must be an object or an array"),
                        "put the value into an array",
                    ));
                }
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        place: &Place<'_>,
        at: usize,
        path: String,
        nodes: &[Node<'_>],
        alternatives: &mut Alternatives,
    ) -> Result<(), PatternError> {
        if nodes.is_empty() {
            return Err(place.refuse(
                at,
                "Empty arrays are not allowed",
                "list the values to match, or use {\"exists\": true}",
            ));
        }
        let conditions = nodes
            .iter()
            .enumerate()
            .map(|(i, node)| condition(&place.element(i), node))
            .collect::<Result<Vec<_>, _>>()?;
        let index = self.fields.len();
        let next = self.paths.len();
        let path_index = *self.paths.entry(path.clone()).or_insert(next);
        let most = place.limits.fields;
        for alternative in &mut *alternatives {
            alternative.insert(path_index, index);
            if alternative.len() > most {
                return Err(place.exceeds(
                    at,
                    format!("the pattern has more than {most} fields"),
                    "split it into several rules",
                ));
            }
        }
        self.fields.push(Field { path, conditions });
        within_memory(place, at, alternatives)
    }

    fn or(
        &mut self,
        place: &Place<'_>,
        above: Option<&str>,
        node: &Node<'_>,
        alternatives: &mut Alternatives,
    ) -> Result<(), PatternError> {
        let remedy = "write \"$or\": [{…}, {…}] with two objects or more";
        let Value::Array(branches) = &node.value else {
            return Err(place.refuse(node.at, "It must be an Array followed with $or.", remedy));
        };
        if branches.len() < 2 {
            let fault = "There must have at least 2 Objects in $or relationship.";
            return Err(place.refuse(node.at, fault, remedy));
        }
        let mut result = Alternatives::new();
        for (i, branch) in branches.iter().enumerate() {
            let place = &place.element(i);
            let Value::Object(members) = &branch.value else {
                let fault = "Only JSON object is allowed in array of $or relationship.";
                return Err(place.refuse(branch.at, fault, remedy));
            };
            let mut multiplied = alternatives.clone();
            self.object(place, branch.at, above, members, true, &mut multiplied)?;
            result.append(&mut multiplied);
            within_memory(place, branch.at, &result)?;
            let most = place.limits.or_alternatives;
            if result.len() > most {
                return Err(place.exceeds(
                    branch.at,
                    format!("the $or of this pattern multiply to more than {most} alternatives"),
                    "split it into several rules",
                ));
            }
        }
        *alternatives = result;
        Ok(())
    }
}

fn within_memory(
    place: &Place<'_>,
    at: usize,
    alternatives: &Alternatives,
) -> Result<(), PatternError> {
    if alternatives.iter().map(BTreeMap::len).sum::<usize>() <= MOST_FIELDS_IN_ALL {
        return Ok(());
    }
    Err(place.exceeds(
        at,
        format!("the $or of this pattern multiply to more than {MOST_FIELDS_IN_ALL} fields"),
        "split it into several rules",
    ))
}

//! The intrinsic functions: a tree with them → a tree of plain values.

use super::names::{nearest, one_of, physical};
use super::node::{Key, Node, Pos, Result, Value, fault, truth};
use super::scope::Scope;

impl Scope<'_> {
    /// The value of `node`; `None` where it is `AWS::NoValue`, so that its property counts as absent.
    pub(crate) fn resolve(&self, node: &Node) -> Result<Option<Node>> {
        if let Some((name, pos, argument)) = node.intrinsic() {
            return self.call(name, pos, argument);
        }
        let value = match &node.value {
            Value::Scalar { text, plain } => {
                Value::Scalar { text: self.made(text.clone(), node.pos)?, plain: *plain }
            }
            Value::List(items) => {
                let items = items.iter().map(|item| self.resolve(item).transpose());
                Value::List(items.flatten().collect::<Result<_>>()?)
            }
            Value::Map(entries) => {
                let mut kept: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
                for (key, item) in entries {
                    if key.name.starts_with("Fn::") {
                        let message = format!("{} must stand alone in its map", key.name);
                        return fault(key.pos, message);
                    }
                    if let Some(item) = self.resolve(item)? {
                        kept.push((key.clone(), item));
                    }
                }
                Value::Map(kept)
            }
        };
        Ok(Some(Node { pos: node.pos, value }))
    }

    /// The text that `node` resolves to.
    pub(crate) fn text(&self, node: &Node, what: &str) -> Result<String> {
        match self.resolve(node)? {
            Some(Node { value: Value::Scalar { text, .. }, .. }) => Ok(text),
            Some(other) => fault(node.pos, format!("{what} is {}: text is wanted", other.shown())),
            None => fault(node.pos, format!("{what} is AWS::NoValue: text is wanted")),
        }
    }

    fn call(&self, name: &str, pos: Pos, argument: &Node) -> Result<Option<Node>> {
        let text = |text: String| Ok(Some(Node::text(pos, self.made(text, pos)?)));
        match name {
            "Ref" => match argument.as_str() {
                Some("AWS::NoValue") => Ok(None),
                Some(target) => self.reference(target, pos).map(Some),
                None => fault(argument.pos, format!("Ref takes a name, not {}", argument.shown())),
            },
            "Fn::GetAtt" => {
                let path = match argument.as_list() {
                    Some([id, attribute]) => {
                        format!(
                            "{}.{}",
                            self.text(id, "GetAtt's id")?,
                            self.text(attribute, "GetAtt's attribute")?
                        )
                    }
                    Some(_) => return fault(argument.pos, "GetAtt takes an id and an attribute"),
                    None => self.text(argument, "GetAtt's argument")?,
                };
                self.attribute(&path, pos).map(Some)
            }
            "Fn::Sub" => text(self.sub(pos, argument)?),
            "Fn::Join" => {
                let [separator, items] = self.arguments(name, argument)?;
                let separator = self.text(separator, "Join's separator")?;
                let items = self.texts(items, "Join's list")?;
                let length = items.iter().map(|item| item.len() + separator.len()).sum::<usize>();
                // Counted before it is made.
                self.made(String::new(), pos)?;
                if length > 4 << 20 {
                    return fault(pos, "Join makes more than 4 MB of text");
                }
                text(self.local_url(items.join(&separator)))
            }
            "Fn::Split" => {
                let [separator, whole] = self.arguments(name, argument)?;
                let separator = self.text(separator, "Split's separator")?;
                if separator.is_empty() {
                    return fault(argument.pos, "Split's separator is empty");
                }
                let whole = self.text(whole, "Split's text")?;
                Ok(Some(Node::list(
                    pos,
                    whole.split(&separator).map(|part| Node::text(pos, part)).collect(),
                )))
            }
            "Fn::Select" => {
                let [index, items] = self.arguments(name, argument)?;
                let number = self.text(index, "Select's index")?;
                let Some(items) = self.resolve(items)? else { return Ok(None) };
                let Some(list) = items.as_list() else {
                    return fault(items.pos, format!("Select's list is {}", items.shown()));
                };
                match number.parse::<usize>().ok().and_then(|index| list.get(index)) {
                    Some(item) => Ok(Some(item.clone())),
                    None => fault(
                        index.pos,
                        format!(
                            "Select asks for «{number}» of a list of {}, counted from 0",
                            list.len()
                        ),
                    ),
                }
            }
            "Fn::FindInMap" => self.find_in_map(pos, argument),
            "Fn::If" => {
                let [condition, yes, no] = self.arguments(name, argument)?;
                let Some(condition_name) = condition.as_str() else {
                    return fault(condition.pos, "If's first argument is the name of a condition");
                };
                self.resolve(if self.condition(condition_name, condition.pos)? { yes } else { no })
            }
            "Fn::ImportValue" => {
                let export = self.text(argument, "ImportValue's name")?;
                match self.options.exports.get(&export) {
                    Some(value) => text(value.clone()),
                    None => {
                        let hint = one_of(nearest(
                            &export,
                            self.options.exports.keys().map(String::as_str),
                        ));
                        fault(
                            pos,
                            format!(
                                "no other stack that runs here exports «{export}»{hint}: give its template, too, or the value by --export"
                            ),
                        )
                    }
                }
            }
            "Fn::Base64" => text(base64(self.text(argument, "Base64's text")?.as_bytes())),
            "Fn::GetAZs" => {
                let given = self.text(argument, "GetAZs' Region")?;
                let region = if given.is_empty() { &self.options.region.name } else { &given };
                let zones = ["a", "b", "c"].map(|zone| Node::text(pos, format!("{region}{zone}")));
                Ok(Some(Node::list(pos, zones.into())))
            }
            "Fn::Length" => match self.resolve(argument)?.as_ref().and_then(Node::as_list) {
                Some(items) => text(items.len().to_string()),
                None => fault(argument.pos, "Length takes a list"),
            },
            "Fn::ToJsonString" => match self.resolve(argument)? {
                Some(value) => text(value.json()),
                None => fault(argument.pos, "ToJsonString takes a map or a list"),
            },
            "Fn::And" | "Fn::Or" | "Fn::Not" | "Fn::Equals" => {
                fault(pos, format!("{name} may stand in Conditions only"))
            }
            _ => fault(pos, format!("{name} is not supported")),
        }
    }

    /// Whether an expression of the section Conditions holds.
    pub(crate) fn holds(&self, node: &Node) -> Result<bool> {
        let [(key, argument)] = node.as_map().unwrap_or(&[]) else {
            return match node.as_str().and_then(truth) {
                Some(value) => Ok(value),
                None => fault(node.pos, format!("{} is no condition", node.shown())),
            };
        };
        let all = || match argument.as_list() {
            Some(items) if !items.is_empty() => Ok(items),
            _ => fault(argument.pos, format!("{} takes a list of conditions", key.name)),
        };
        match key.name.as_str() {
            "Condition" => match argument.as_str() {
                Some(name) => self.condition(name, argument.pos),
                None => fault(argument.pos, "Condition takes the name of a condition"),
            },
            "Fn::Equals" => {
                let [left, right] = self.arguments("Fn::Equals", argument)?;
                Ok(self.text(left, "Equals' first value")?
                    == self.text(right, "Equals' second value")?)
            }
            "Fn::Not" => match all()? {
                [one] => Ok(!self.holds(one)?),
                _ => fault(argument.pos, "Fn::Not takes one condition"),
            },
            "Fn::And" => {
                all()?.iter().try_fold(true, |so_far, item| Ok(self.holds(item)? && so_far))
            }
            "Fn::Or" => {
                all()?.iter().try_fold(false, |so_far, item| Ok(self.holds(item)? || so_far))
            }
            other => fault(key.pos, format!("«{other}» is no condition function")),
        }
    }

    fn sub(&self, pos: Pos, argument: &Node) -> Result<String> {
        let (template, own) = match argument.as_list() {
            None => (argument, &[][..]),
            Some([template]) => (template, &[][..]),
            Some([template, map]) => match map.as_map() {
                Some(entries) => (template, entries),
                None => return fault(map.pos, "Sub's second argument is a map of names"),
            },
            Some(_) => return fault(argument.pos, "Sub takes a text and a map of names"),
        };
        let Some(text) = template.as_str().or(template.is_null().then_some("")) else {
            return fault(template.pos, format!("Sub takes a text, not {}", template.shown()));
        };
        let mut out = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Name(name) => {
                    let value = match own.iter().find(|(key, _)| key.name == name) {
                        Some((_, node)) => self.text(node, &format!("Sub's {name}"))?,
                        None if name.contains('.') && !self.implicit_name(name) => {
                            self.plain(self.attribute(name, pos)?, name)?
                        }
                        None => self.plain(self.reference(name, pos)?, name)?,
                    };
                    out.push_str(&self.made(value, pos)?);
                }
            }
        }
        Ok(self.local_url(out))
    }

    fn implicit_name(&self, name: &str) -> bool {
        self.implicit.contains_key(name)
    }

    fn plain(&self, node: Node, name: &str) -> Result<String> {
        match node.value {
            Value::Scalar { text, .. } => Ok(text),
            _ => fault(node.pos, format!("Sub cannot put {name} into a text: it is a list")),
        }
    }

    /// The address of an HTTP API on AWS becomes that of the one that runs here.
    fn local_url(&self, text: String) -> String {
        if !text.contains(".execute-api.") {
            return text;
        }
        let region = &self.options.region.name;
        let ids =
            self.document.resources.iter().filter(|raw| raw.kind == "AWS::Serverless::HttpApi");
        let ids = ids.map(|raw| raw.id.as_str()).chain([super::implicit::HTTP_API]);
        ids.fold(text, |text, id| {
            let name = physical(&self.options.stack, id, 255);
            let there = format!("https://{name}.execute-api.{region}.amazonaws.com");
            text.replace(&there, self.options.api_url(&name))
        })
    }

    fn find_in_map(&self, pos: Pos, argument: &Node) -> Result<Option<Node>> {
        let items = argument.as_list().unwrap_or(&[]);
        let (Some(map), Some(first), Some(second)) = (items.first(), items.get(1), items.get(2))
        else {
            return fault(argument.pos, "FindInMap takes a map's name and two keys");
        };
        let name = self.text(map, "FindInMap's map")?;
        let (first_key, second_key) = (
            self.text(first, "FindInMap's first key")?,
            self.text(second, "FindInMap's second key")?,
        );
        let maps = self.document.entries("Mappings")?;
        let Some((_, found)) = maps.iter().find(|(key, _)| key.name == name) else {
            let hint = one_of(nearest(&name, maps.iter().map(|(key, _)| key.name.as_str())));
            return fault(map.pos, format!("mapping «{name}» does not exist{hint}"));
        };
        if let Some(value) = found.get(&first_key).and_then(|level| level.get(&second_key)) {
            return self.resolve(value);
        }
        match items.get(3).and_then(|more| more.get("DefaultValue")) {
            Some(default) => self.resolve(default),
            None => fault(
                pos,
                format!("mapping {name} has nothing under «{first_key}», «{second_key}»"),
            ),
        }
    }

    fn arguments<'n, const N: usize>(
        &self,
        name: &str,
        argument: &'n Node,
    ) -> Result<[&'n Node; N]> {
        let items: Vec<&Node> = argument.as_list().unwrap_or(&[]).iter().collect();
        items.try_into().map_err(|_: Vec<_>| super::node::Fault {
            pos: argument.pos,
            message: format!("{name} takes a list of {N} arguments"),
        })
    }

    fn texts(&self, node: &Node, what: &str) -> Result<Vec<String>> {
        let Some(resolved) = self.resolve(node)? else { return Ok(Vec::new()) };
        let Some(items) = resolved.as_list() else {
            return fault(node.pos, format!("{what} is {}: a list is wanted", resolved.shown()));
        };
        items
            .iter()
            .map(|item| match item.as_str() {
                Some(text) => Ok(text.to_owned()),
                None => fault(item.pos, format!("{what} holds {}: text is wanted", item.shown())),
            })
            .collect()
    }
}

/// A part of `Sub`'s text.
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Splits `Sub`'s text at `${Name}`; `${!Literal}` stands for `${Literal}`.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        pieces.push(Piece::Text(&rest[..start]));
        match name.strip_prefix('!') {
            Some(_) => {
                pieces.push(Piece::Text("${"));
                pieces.push(Piece::Text(&rest[start + 3..start + length + 1]));
            }
            None => pieces.push(Piece::Name(name.trim())),
        }
        rest = &rest[start + length + 1..];
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            match place <= chunk.len() {
                true => out.push(char::from(DIGITS[(word >> (18 - 6 * place)) as usize & 63])),
                false => out.push('='),
            }
        }
    }
    out
}

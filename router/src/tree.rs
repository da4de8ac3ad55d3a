//! Pattern text → a tree of values that remember where they stood.

use crate::error::{Kind, PatternError};
use crate::json::{Cursor, Fault};

/// A value of the pattern's text.
#[derive(Debug)]
pub(crate) struct Node<'t> {
    pub(crate) at: usize,
    pub(crate) value: Value<'t>,
}

#[derive(Debug)]
pub(crate) enum Value<'t> {
    Object(Vec<Member<'t>>),
    Array(Vec<Node<'t>>),
    String(String),
    /// The number as it is spelled.
    Number(&'t str),
    True,
    False,
    Null,
}

/// A member of an object, in the order of the text; keys may repeat.
#[derive(Debug)]
pub(crate) struct Member<'t> {
    pub(crate) at: usize,
    pub(crate) key: String,
    pub(crate) node: Node<'t>,
}

/// Reads a whole text; nothing but white space may follow the value.
pub(crate) fn parse(text: &str, depth: usize) -> Result<Node<'_>, PatternError> {
    let mut reader = Reader { cursor: Cursor::new(text), too_deep: false };
    let result = reader.value(depth).and_then(|node| match reader.cursor.peek() {
        None => Ok(node),
        Some(_) => Err(reader.cursor.fault("text follows the end of the pattern")),
    });
    result.map_err(|Fault { at, what }| {
        let (kind, remedy) = match reader.too_deep {
            true => (Kind::Limit, format!("keep to {depth} levels of objects and arrays")),
            false => (Kind::Syntax, "write the pattern as one JSON object".to_owned()),
        };
        PatternError::new(kind, text, at, "$", what, remedy)
    })
}

struct Reader<'t> {
    cursor: Cursor<'t>,
    too_deep: bool,
}

impl<'t> Reader<'t> {
    fn value(&mut self, depth: usize) -> Result<Node<'t>, Fault> {
        let first = self.cursor.peek();
        let at = self.cursor.at;
        let value = match first {
            Some(b'{' | b'[') if depth == 0 => {
                self.too_deep = true;
                return Err(self.cursor.fault("the pattern is nested too deeply"));
            }
            Some(b'{') => self.object(depth - 1)?,
            Some(b'[') => self.array(depth - 1)?,
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.cursor.number()?),
            Some(b't') => self.cursor.word("true").map(|()| Value::True)?,
            Some(b'f') => self.cursor.word("false").map(|()| Value::False)?,
            Some(b'n') => self.cursor.word("null").map(|()| Value::Null)?,
            Some(_) => return Err(self.cursor.fault("a JSON value was expected")),
            None => return Err(self.cursor.fault("the text ends too early")),
        };
        Ok(Node { at, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value<'t>, Fault> {
        self.cursor.at += 1;
        let mut members = Vec::new();
        if self.cursor.eat(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.cursor.peek();
            let at = self.cursor.at;
            let key = self.string()?;
            if !self.cursor.eat(b':') {
                return Err(self.cursor.fault("':' was expected after the field name"));
            }
            members.push(Member { at, key, node: self.value(depth)? });
            if self.cursor.eat(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.cursor.eat(b',') {
                return Err(self.cursor.fault("',' or '}' was expected"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'t>, Fault> {
        self.cursor.at += 1;
        let mut nodes = Vec::new();
        if self.cursor.eat(b']') {
            return Ok(Value::Array(nodes));
        }
        loop {
            nodes.push(self.value(depth)?);
            if self.cursor.eat(b']') {
                return Ok(Value::Array(nodes));
            }
            if !self.cursor.eat(b',') {
                return Err(self.cursor.fault("',' or ']' was expected"));
            }
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        let at = self.cursor.at;
        let raw = self.cursor.string()?;
        if raw.has_lone_surrogate() {
            return Err(Fault { at, what: "half of a surrogate pair is no character" });
        }
        Ok(raw.decode().into_owned())
    }
}

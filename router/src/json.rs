//! JSON text → tokens with byte offsets; shared by the pattern reader and the event walk.
//!
//! Strict (RFC 8259, no extensions), borrowed, and without recursion.

use std::borrow::Cow;

/// Where a text stopped being JSON, and what stood in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// A string token: the text between its quotes, still escaped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawStr<'t> {
    pub(crate) raw: &'t str,
    pub(crate) escaped: bool,
}

/// A cursor over JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'t> {
    text: &'t str,
    pub(crate) at: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Cursor { text, at: 0 }
    }

    pub(crate) fn fault(&self, what: &'static str) -> Fault {
        Fault { at: self.at, what }
    }

    pub(crate) fn slice_from(&self, start: usize) -> &'t str {
        &self.text[start..self.at]
    }

    /// The next byte that is not white space; the cursor rests on it.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Steps over `wanted` if it comes next.
    #[inline]
    pub(crate) fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Reads a string; the cursor rests on its opening quote.
    pub(crate) fn string(&mut self) -> Result<RawStr<'t>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("a string was expected"));
        }
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at += plain_ahead(&bytes[at..]);
            match bytes.get(at) {
                None => return Err(Fault { at, what: "the string does not end" }),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at = escape_end(bytes, at)?;
                }
                Some(byte) if *byte < 0x20 => {
                    return Err(Fault {
                        at,
                        what: "a control character must be escaped in a string",
                    });
                }
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        Ok(RawStr { raw: &self.text[start..at], escaped })
    }

    /// Reads a number and returns its text; the cursor rests on its first character.
    pub(crate) fn number(&mut self) -> Result<&'t str, Fault> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        if self.byte() == Some(b'0') {
            self.at += 1;
            if self.byte().is_some_and(|b| b.is_ascii_digit()) {
                return Err(self.fault("a number must not start with 0"));
            }
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(self.slice_from(start))
    }

    /// Steps over the word `word` (`true`, `false` or `null`).
    pub(crate) fn word(&mut self, word: &str) -> Result<(), Fault> {
        let end = self.at + word.len();
        let bytes = self.text.as_bytes();
        let whole = bytes.get(self.at..end) == Some(word.as_bytes());
        let ends = !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if !(whole && ends) {
            return Err(self.fault("a JSON value was expected"));
        }
        self.at = end;
        Ok(())
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.byte().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.fault("a digit was expected")) } else { Ok(()) }
    }
}

impl<'t> RawStr<'t> {
    /// The text meant. A lone surrogate, which is no character, becomes U+FFFD.
    pub(crate) fn decode(self) -> Cow<'t, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }

    /// Whether an escape names half a surrogate pair.
    pub(crate) fn has_lone_surrogate(self) -> bool {
        self.escaped && units(self.raw).any(|unit| unit.is_none())
    }
}

/// Line and column (both from 1, columns in characters) of a byte offset.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let mut end = at.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

/// How many of the next bytes surely need no look in a string, eight at a time.
#[inline]
fn plain_ahead(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The highest bit of each zero byte, and maybe of bytes above one: never too few.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut count = 0;
    for chunk in bytes.chunks_exact(8) {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        let word = u64::from_le_bytes(eight);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let special = quotes | backslashes | controls;
        if special != 0 {
            return count + special.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    count
}

fn escape_end(bytes: &[u8], backslash: usize) -> Result<usize, Fault> {
    let bad = |what| Err(Fault { at: backslash, what });
    match bytes.get(backslash + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(backslash + 2),
        Some(b'u') => match bytes.get(backslash + 2..backslash + 6) {
            Some(hex) if hex.iter().all(u8::is_ascii_hexdigit) => Ok(backslash + 6),
            _ => bad("\\u needs four hexadecimal digits"),
        },
        _ => bad("no such escape in JSON"),
    }
}

fn unescape(raw: &str) -> String {
    units(raw).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The characters of a checked raw string; `None` for a lone surrogate.
fn units(raw: &str) -> impl Iterator<Item = Option<char>> + '_ {
    let mut chars = raw.chars();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        if c != '\\' {
            return Some(Some(c));
        }
        Some(match chars.next()? {
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => {
                let first = hex4(&mut chars);
                let mut ahead = chars.clone();
                if (0xD800..0xDC00).contains(&first)
                    && ahead.next() == Some('\\')
                    && ahead.next() == Some('u')
                {
                    let second = hex4(&mut ahead);
                    if (0xDC00..0xE000).contains(&second) {
                        chars = ahead;
                        let pair = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                        return Some(char::from_u32(pair));
                    }
                }
                char::from_u32(first)
            }
            other => Some(other),
        })
    })
}

fn hex4(chars: &mut std::str::Chars<'_>) -> u32 {
    chars.by_ref().take(4).fold(0, |value, c| value * 16 + c.to_digit(16).unwrap_or(0))
}

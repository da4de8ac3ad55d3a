//! HTTP/1.1 messages as both sides here read them.

use std::io::{BufRead, Error, ErrorKind, Result};

/// A request or an answer.
pub(crate) struct Message {
    /// Its first line.
    pub(crate) line: String,
    pub(crate) body: Vec<u8>,
    /// Whether its sender ends the connection with it.
    pub(crate) closes: bool,
}

/// Reads one. An answer of unknown length ends with its connection, a request of unknown length has no body.
pub(crate) fn read(from: &mut impl BufRead) -> Result<Message> {
    let line = self::line(from)?;
    let mut closes = line.starts_with("HTTP/1.0");
    let (mut length, mut chunked) = (None, false);
    loop {
        let header = self::line(from)?;
        let Some((name, value)) = header.split_once(':') else { break };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok();
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.eq_ignore_ascii_case("close");
        }
    }
    let mut body = vec![];
    if chunked {
        while chunk(from, &mut body)? {}
    } else if let Some(length) = length {
        body.resize(length, 0);
        from.read_exact(&mut body)?;
    } else if line.starts_with("HTTP/") && !line.contains(" 204 ") {
        closes = true;
        from.read_to_end(&mut body)?;
    }
    Ok(Message { line, body, closes })
}

/// Reads a chunk; false for the last one, which is empty.
fn chunk(from: &mut impl BufRead, body: &mut Vec<u8>) -> Result<bool> {
    let size = line(from)?;
    let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
        .map_err(|_| Error::other(format!("not a chunk's size: {size}")))?;
    let at = body.len();
    body.resize(at + size, 0);
    from.read_exact(&mut body[at..])?;
    line(from)?;
    Ok(size > 0)
}

fn line(from: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}

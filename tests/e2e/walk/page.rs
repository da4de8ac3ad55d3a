use crate::support::binary;
use std::fs;
use std::path::{Path, PathBuf};

/// What a command of a block begins with.
const PROGRAMS: [&str; 6] = ["cargo", "curl", "aws", "sam", "export", "rustup"];

/// What a command within a sentence begins with.
const SPOKEN: [&str; 4] = ["cargo ", "pointsman ", "curl ", "kill "];

/// Something on a page that is to be typed, or to be seen.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    /// Its line, from 1.
    pub(super) line: usize,
    /// A command, the first cell of a row of commands, or the whole block of anything else.
    pub(super) text: String,
    /// Of a row: what the other cells set as code.
    pub(super) told: Vec<String>,
}

impl Piece {
    /// Whether it begins so: numbers may be others, and blanks more.
    pub(super) fn begins(&self, so: &str) -> bool {
        numbers(&one_line(&self.text)).starts_with(&numbers(so))
    }
}

/// The pieces of a page in its order: each command of a block by itself, every other block whole. With `spoken`, also
/// what its sentences and tables would have one type.
pub(super) fn pieces(page: &str, spoken: bool) -> Vec<Piece> {
    let mut pieces = vec![];
    // Blocks are every second part.
    let mut line = 1;
    for (number, part) in page.split("```").enumerate() {
        if number % 2 == 1 {
            block(part, line, &mut pieces);
        } else if spoken {
            prose(part, line, &mut pieces);
        }
        line += part.matches('\n').count();
    }
    pieces
}

/// The text between two fences, its language first.
fn block(text: &str, at: usize, pieces: &mut Vec<Piece>) {
    let (language, body) = text.split_once('\n').unwrap_or((text, ""));
    let body = body.trim_end();
    let first = body.split_whitespace().next().unwrap_or_default();
    if !language.is_empty() || !PROGRAMS.contains(&first) {
        pieces.push(Piece { line: at + 1, text: body.to_owned(), told: vec![] });
        return;
    }
    let mut command = String::new();
    for (number, line) in body.lines().enumerate() {
        match line.strip_suffix('\\') {
            Some(part) => command.push_str(part),
            None => {
                command.push_str(line.split(" # ").next().unwrap_or_default());
                let text = one_line(&std::mem::take(&mut command));
                pieces.push(Piece { line: at + 1 + number, text, told: vec![] });
            }
        }
    }
}

/// Sentences, and tables of verbs.
fn prose(text: &str, at: usize, pieces: &mut Vec<Piece>) {
    let mut line = at;
    for paragraph in text.split("\n\n") {
        if paragraph.trim_start().starts_with('|') {
            for (number, row) in paragraph.lines().enumerate() {
                let cells: Vec<Vec<String>> = row.split('|').skip(1).map(spans).collect();
                if let [first, others @ ..] = &cells[..]
                    && !first.is_empty()
                {
                    let told = others.concat();
                    pieces.push(Piece { line: line + number, text: first.join(", "), told });
                }
            }
        } else {
            for span in spans(paragraph) {
                if SPOKEN.iter().any(|program| span.starts_with(program)) {
                    pieces.push(Piece { line, text: span, told: vec![] });
                }
            }
        }
        line += paragraph.matches('\n').count() + 2;
    }
}

/// What is set as code.
fn spans(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(one_line).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A page of the repository.
pub(super) fn read(name: &str) -> String {
    let path = root().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The repository's folder, in which a stranger stands.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is a member").to_owned()
}

/// A command as a shell here is to run it: `cargo ALIAS` is what `.cargo/config.toml` makes of it, with the binary that
/// is built.
pub(super) fn shell(command: &str) -> String {
    let Some(words) = command.strip_prefix("cargo ") else { return command.to_owned() };
    let (alias, rest) = words.split_once(' ').unwrap_or((words, ""));
    let config = read(".cargo/config.toml");
    let made = config.lines().find_map(|line| line.strip_prefix(&format!("{alias} = \"")));
    let made = made.unwrap_or_else(|| panic!("cargo {alias} is no alias of .cargo/config.toml"));
    let (_, run) = made.trim_end_matches('"').split_once("--bin ").expect("it runs a binary");
    let (name, first) = run.split_once(" --").expect("arguments follow");
    one_line(&format!("'{}' {first} {rest}", binary(name).display()))
}

/// Whether a line that was seen is the one that a page shows: numbers may be others, and an ellipsis at its end stands
/// for more.
pub(super) fn is_like(seen: &str, shown: &str) -> bool {
    let (seen, shown) = (numbers(seen.trim()), numbers(shown.trim()));
    shown.strip_suffix('…').map_or(seen == shown, |shown| seen.starts_with(shown.trim_end()))
}

/// A text with each number as 0.
fn numbers(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c.is_ascii_digit() {
            true if plain.ends_with('0') => {}
            true => plain.push('0'),
            false => plain.push(c),
        }
    }
    plain
}

#[test]
fn a_page_is_read_command_by_command() {
    let page = "Run `cargo\nup`, `x`:\n\n```\ncargo up   # all\nsam a \\\n  b\n```\n\n| `logs NAME`, `tail` | or `--all` |\n\n```rust\nlet one = 1;\n```\n";
    let read = |spoken| -> Vec<(usize, String, Vec<String>)> {
        pieces(page, spoken).into_iter().map(|piece| (piece.line, piece.text, piece.told)).collect()
    };
    let row = (10, "logs NAME, tail".into(), vec!["--all".to_owned()]);
    let blocks = [
        (5, "cargo up".into(), vec![]),
        (7, "sam a b".into(), vec![]),
        (13, "let one = 1;".into(), vec![]),
    ];
    assert_eq!(read(false), blocks);
    let [up, sam, rust] = blocks;
    assert_eq!(read(true), [(1, "cargo up".into(), vec![]), up, sam, row, rust]);

    assert!(is_like("18:56:13.307 payment → payment #12", "00:00:00.000 payment → payment #8"));
    assert!(!is_like("payment: 1 handled", "payment: 1 handle"));
    assert!(is_like("ready in 5 ms · more", "ready in 320 ms …"));
}

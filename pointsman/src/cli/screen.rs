//! How things look on a terminal.

use anstyle::{AnsiColor, Style};
use std::time::Duration;

/// A style that a terminal shows and a pipe does not.
pub(super) const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

pub(super) const EVENT: Style = colour(AnsiColor::Cyan);
pub(super) const QUEUE: Style = colour(AnsiColor::Yellow);
pub(super) const FUNCTION: Style = colour(AnsiColor::Green);
pub(super) const BAD: Style = colour(AnsiColor::Red).bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// `text` in a style, followed by none.
pub(super) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A length of time in its two largest units: `3 d 4 h`, `1 min 5 s`, `0 s`.
pub(super) fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [("d", seconds / 86_400), ("h", seconds / 3_600 % 24), ("min", seconds / 60 % 60)];
    let units = units.into_iter().chain([("s", seconds % 60)]);
    let parts: Vec<String> = units
        .skip_while(|(_, number)| *number == 0)
        .take(2)
        .filter(|(_, number)| *number > 0)
        .map(|(unit, number)| format!("{number} {unit}"))
        .collect();
    if parts.is_empty() { "0 s".into() } else { parts.join(" ") }
}

/// At most `most` characters of a text on one line, with an ellipsis where it was cut.
pub(super) fn short(text: &str, most: usize) -> String {
    let mut clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = clean.by_ref().take(most).collect();
    if clean.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_its_two_largest_units() {
        let shown = |seconds| length(Duration::from_secs(seconds));
        assert_eq!(shown(0), "0 s");
        assert_eq!(shown(65), "1 min 5 s");
        assert_eq!(shown(3_600), "1 h");
        assert_eq!(shown(86_400 + 30), "1 d");
        assert_eq!(shown(3 * 86_400 + 4 * 3_600 + 5), "3 d 4 h");
    }

    #[test]
    fn a_text_is_cut_between_characters_and_stays_on_its_line() {
        assert_eq!(short("grün\nblau", 20), "grün blau");
        assert_eq!(short("grün", 4), "grün");
        assert_eq!(short("grüner", 4), "grü…");
    }
}

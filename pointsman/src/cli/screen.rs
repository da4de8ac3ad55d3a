//! How things look on a terminal.

use anstyle::{AnsiColor, Style};

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

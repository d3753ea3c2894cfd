//! The terminal: where lines go, and how they look there.
//!
//! Colour only repeats what shape and word say. There is none in a pipe, with `NO_COLOR`, or with `--json`, and where
//! the locale is not UTF-8 the shapes are ASCII.

use std::{
    fmt,
    io::{IsTerminal, Write},
};

use crate::control::protocol::Level;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub colour: bool,
    /// Whether to draw shapes beyond ASCII.
    pub unicode: bool,
}

impl Style {
    /// Nothing but letters and shapes: what a pipe gets.
    pub const PLAIN: Self = Self { colour: false, unicode: true };

    /// A shape for a state: a disc, a triangle, a square.
    pub fn lamp(self, level: Level) -> String {
        let (shape, ascii, colour) = match level {
            Level::Well => ("●", "[ok]", 32),
            Level::Warning => ("▲", "[!!]", 33),
            Level::Broken => ("■", "[xx]", 31),
        };
        self.painted(if self.unicode { shape } else { ascii }, colour)
    }

    /// A half disc: trying.
    pub fn trying(self) -> String {
        self.painted(if self.unicode { "◐" } else { "[..]" }, 34)
    }

    /// A ring: off.
    pub fn idle(self) -> String {
        self.painted(if self.unicode { "○" } else { "[--]" }, 90)
    }

    /// Second text.
    pub fn muted(self, text: &str) -> String {
        self.painted(text, 90)
    }

    fn painted(self, text: &str, colour: u8) -> String {
        if self.colour { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Rows under each other in columns, two spaces between; the last column may be as long as it likes.
pub fn columns(rows: &[Vec<String>], indent: &str) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(wide).collect();
    let lines = rows.iter().map(|row| {
        let cells =
            row.iter().zip(&widths).map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide - width(cell))));
        format!("{indent}{}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Characters that take a place on the screen: colour codes take none.
fn width(text: &str) -> usize {
    let mut inside = false;
    let visible = text.chars().filter(|c| {
        match (inside, c) {
            (false, '\u{1b}') => inside = true,
            (true, 'm') => {
                inside = false;
                return false;
            }
            _ => {}
        }
        !inside
    });
    visible.count()
}

/// Where a command prints.
pub struct Screen {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    style: Style,
    json: bool,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("style", &self.style).field("json", &self.json).finish_non_exhaustive()
    }
}

impl Screen {
    /// A screen on the given streams.
    pub fn new(out: Box<dyn Write>, err: Box<dyn Write>, style: Style, json: bool) -> Self {
        Self { out, err, style, json }
    }

    /// The process's own streams.
    pub fn of_process(json: bool) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let terminal = std::io::stdout().is_terminal();
        let colour = terminal
            && !json
            && variable("NO_COLOR").is_none()
            && variable("TERM").as_deref() != Some("dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
        let utf8 = |locale: String| locale.to_ascii_lowercase().replace('-', "").ends_with("utf8");
        // A pipe goes to a program or a file, where the locale says nothing.
        let unicode = !terminal || locale.is_some_and(utf8);
        Self::new(Box::new(std::io::stdout()), Box::new(std::io::stderr()), Style { colour, unicode }, json)
    }

    /// How lines look.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Whether data is JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Where data goes.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Asks the person, beside the data, and waits for a line. `None`: nobody answers any more.
    pub fn ask(&mut self, question: &str) -> Option<String> {
        let _ = write!(self.err, "{question} ").and_then(|()| self.err.flush());
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim().to_owned())
    }

    /// Says a line to the person, beside the data. If nobody listens, nothing is lost.
    pub fn say(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coloured_cell_does_not_shift_its_column() {
        let coloured = Style { colour: true, unicode: true }.lamp(Level::Broken);
        let rows = [vec![coloured.clone(), "a".into()], vec!["●".into(), "b".into()]];
        let text = columns(&rows, "");
        assert_eq!(text, format!("{coloured}  a\n●  b"));
    }

    #[test]
    fn states_read_without_colour_and_without_unicode() {
        let ascii = Style { colour: false, unicode: false };
        let shapes = [Level::Well, Level::Warning, Level::Broken].map(|level| ascii.lamp(level));
        assert_eq!(shapes, ["[ok]", "[!!]", "[xx]"]);
        assert_eq!((ascii.trying(), ascii.idle()), ("[..]".to_owned(), "[--]".to_owned()));
    }
}

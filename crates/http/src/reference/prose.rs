//! The little markup that descriptions use: blank lines part paragraphs, backticks mark words of the API. Pure.
//! Everything else is text and stays text.

use std::fmt::Write as _;

use minijinja::{HtmlEscape, Value};

/// Text as HTML inside one element: escaped, what is between backticks marked, line ends of the source forgotten.
pub(crate) fn inline(text: &str) -> Value {
    Value::from_safe_string(marked(text))
}

/// Text as paragraphs.
pub(crate) fn paragraphs(text: &str) -> Value {
    let parts = text.split("\n\n").filter(|part| !part.trim().is_empty());
    Value::from_safe_string(parts.map(|part| format!("<p>{}</p>", marked(part))).collect())
}

fn marked(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut html = String::new();
    let pieces: Vec<&str> = text.split('`').collect();
    for (at, piece) in pieces.iter().enumerate() {
        // A backtick without its partner is only a backtick.
        let (open, close) = match (at % 2 == 1, at + 1 == pieces.len()) {
            (true, false) => ("<code>", "</code>"),
            (true, true) => ("`", ""),
            (false, _) => ("", ""),
        };
        // Writing to a string cannot fail.
        let _ = write!(html, "{open}{}{close}", HtmlEscape(piece));
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_words_become_code_and_markup_stays_text() {
        assert_eq!(
            inline("`to` and\n<b>`x<y`</b>").to_string(),
            "<code>to</code> and &lt;b&gt;<code>x&lt;y</code>&lt;&#x2f;b&gt;"
        );
        assert_eq!(inline("one ` alone").to_string(), "one ` alone");
        assert_eq!(paragraphs("a\nb\n\n\n\nc").to_string(), "<p>a b</p><p>c</p>");
    }
}

//! What vendors write loosely: numbers as texts, texts as numbers, nothing as null, and reasons in free words.

use backstop_domain::recipient::Recipient;
use serde_json::Value;

/// The most characters of a vendor's free words that are kept.
const WORDS_MAX: usize = 120;
/// Runs of digits from this length on may be a code or a number; the vendors' own error codes are shorter.
const DIGITS_MAX: usize = 3;

/// A text, or a number as one; nothing if it is empty.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, or a text that is one.
pub(crate) fn number(value: &Value) -> Option<u32> {
    text(value)?.parse().ok()
}

/// What stands at this JSON pointer, as a text.
pub(crate) fn at(value: &Value, pointer: &str) -> Option<String> {
    text(value.pointer(pointer)?)
}

/// The first of these fields that says something.
pub(crate) fn first(fields: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(fields.get(*name)?))
}

/// Whether any of these parts stands in the text, in any case. The parts are in small letters.
pub(crate) fn says(text: &str, parts: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    parts.iter().any(|part| text.contains(part))
}

/// Free words of a receipt, which no message is at hand to redact: without digits that may be a code or a number.
pub(crate) fn words(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for character in text.chars().take(WORDS_MAX).chain(['\n']) {
        if character.is_ascii_digit() {
            run.push(character);
            continue;
        }
        out.push_str(if run.len() > DIGITS_MAX { "[digits]" } else { &run });
        run.clear();
        out.push(if character.is_control() { ' ' } else { character });
    }
    out.trim().to_owned()
}

/// A number in E.164 form without its plus; nothing for mail.
pub(crate) fn digits(recipient: &Recipient) -> Option<&str> {
    match recipient {
        Recipient::Phone(number) => Some(number.expose().trim_start_matches('+')),
        Recipient::Email(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_reads_as_a_text_and_a_text_as_a_number() {
        assert_eq!(text(&json!(" 12 ")), Some("12".to_owned()));
        assert_eq!(text(&json!(12)), Some("12".to_owned()));
        assert_eq!(number(&json!("102")), Some(102));
        for nothing in [json!(null), json!(""), json!("  "), json!([1]), json!({}), json!(true)] {
            assert_eq!(text(&nothing), None, "{nothing}");
        }
        assert_eq!(first(&json!({ "a": null, "b": 7 }), &["a", "b"]), Some("7".to_owned()));
    }

    #[test]
    fn free_words_keep_no_code_and_no_number() {
        assert_eq!(
            words("code 4829 for +919876543210 failed: 614"),
            "code [digits] for +[digits] failed: 614"
        );
        assert_eq!(words("482913"), "[digits]");
        assert!(words(&"x".repeat(5000)).len() <= WORDS_MAX);
    }
}

//! Takes the code, the recipient, the text and our credentials out of a vendor's answer.
//!
//! The one place where that happens: adapters keep only useful fields, and whatever they keep passes through here.
//! Codes and numbers are found in any spacing (`482 913`, `(415) 555-0123`) and inside longer runs of digits. It hides
//! rather too much: four digits of another number that equal the code are hidden too.

use backstop_domain::{
    outcome::{Outcome, VendorResponse},
    ports::provider::{Message, NoticeMail, Sent},
    recipient::Recipient,
    secret::SecretString,
};
use zeroize::Zeroizing;

const SECRET: &str = "[secret]";
const TEXT: &str = "[text]";
const RECIPIENT: &str = "[recipient]";
const CODE: &str = "[code]";
/// The shortest piece of text that is looked for by itself.
const PIECE_MIN: usize = 8;
/// The fewest digits of a number's end that count as the number: its national form.
const NATIONAL_MIN: usize = 7;
/// How many characters may stand between two digits.
const GAP_MAX: usize = 3;
/// The longest id that is kept.
const VENDOR_ID_MAX: usize = 200;

/// What must not appear, for one message through one provider.
pub(crate) struct Redaction<'a> {
    secrets: &'a [SecretString],
    message: Option<&'a Message>,
    to: Option<&'a Recipient>,
}

impl<'a> Redaction<'a> {
    /// For the answer to a message.
    pub(crate) fn of(message: &'a Message, secrets: &'a [SecretString]) -> Self {
        Self { secrets, message: Some(message), to: Some(&message.to) }
    }

    /// For the answer to a notice, whose text tells nothing that a log may not hold.
    pub(crate) fn of_notice(notice: &'a NoticeMail, secrets: &'a [SecretString]) -> Self {
        Self { secrets, message: None, to: Some(&notice.to) }
    }

    /// For an answer to no message.
    pub(crate) fn of_secrets(secrets: &'a [SecretString]) -> Self {
        Self { secrets, message: None, to: None }
    }

    /// The answer without what must not appear.
    pub(crate) fn sent(&self, sent: Sent) -> Sent {
        let VendorResponse { success, response } = sent.response;
        let outcome = match sent.outcome {
            Outcome::Accepted { vendor_id } => {
                Outcome::Accepted { vendor_id: vendor_id.filter(|id| self.is_harmless_id(id)) }
            }
            other => other,
        };
        // A price is a number with a currency, and so is a telephone number with one.
        let price = sent.price.filter(|price| self.text(price) == *price);
        Sent { outcome, response: VendorResponse::new(success, &self.text(&response)), price }
    }

    /// The same, keeping an id that is our own.
    pub(crate) fn sent_by_us(&self, sent: Sent) -> Sent {
        let outcome = sent.outcome.clone();
        Sent { outcome, ..self.sent(sent) }
    }

    /// The text without what must not appear.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().filter(|secret| secret.expose().len() >= 4) {
            text = without(&text, secret.expose(), SECRET);
        }
        if let Some(message) = self.message {
            for piece in pieces(message) {
                // No spelling is shorter than the piece itself, and most answers are shorter than any piece.
                if piece.len() > text.len() {
                    continue;
                }
                for spelling in spellings(piece) {
                    text = without(&text, &spelling, TEXT);
                }
            }
            let voice = message.links.voice.as_ref().map(SecretString::expose);
            for link in voice.into_iter().chain(message.links.receipts.as_deref()) {
                text = without(&text, link, SECRET);
            }
        }
        if let Some(to) = self.to {
            text = without_recipient(&text, to);
        }
        if let Some(message) = self.message {
            text = without_spaced(&text, message.code.expose(), CODE);
        }
        text
    }

    /// An id, or those of a message's parts with a space between, is kept as it is, so that receipts find it; one that is the
    /// recipient or the code is not kept at all.
    fn is_harmless_id(&self, id: &str) -> bool {
        let is_plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic());
        let plain = id.len() <= VENDOR_ID_MAX && id.split(' ').all(is_plain);
        let Some(to) = self.to else { return plain };
        let code = self.message.map(|message| message.code.expose());
        plain
            && id.split(' ').all(|part| Some(part) != code)
            && without_recipient(id, to) == id
            && !self.secrets.iter().any(|secret| id.contains(secret.expose()))
    }
}

/// The text, then its parts round the code, longest first.
fn pieces(message: &Message) -> impl Iterator<Item = &str> {
    let text = message.text.expose();
    let mut parts: Vec<&str> = text
        .split(['\n', '\r'])
        .flat_map(|line| line.split(message.code.expose()))
        .map(str::trim)
        .filter(|part| part.len() >= PIECE_MIN)
        .collect();
    if message.subject.contains(message.code.expose()) {
        parts.push(message.subject.as_str());
    }
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    std::iter::once(text).chain(parts)
}

/// A text as JSON, HTML and forms write it.
fn spellings(text: &str) -> Vec<Zeroizing<String>> {
    let json = serde_json::to_string(text).unwrap_or_default();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    [text.to_owned(), json, html, form, percent].into_iter().map(Zeroizing::new).collect()
}

fn without(text: &str, needle: &str, word: &str) -> String {
    if needle.is_empty() || needle.len() > text.len() { text.to_owned() } else { text.replace(needle, word) }
}

fn without_recipient(text: &str, recipient: &Recipient) -> String {
    match recipient {
        Recipient::Phone(number) => {
            let digits = number.expose().trim_start_matches('+');
            // The whole number, then what is left without a country code of one to three digits.
            (0..=3).filter_map(|skip| digits.get(skip..)).filter(|rest| rest.len() >= NATIONAL_MIN).fold(
                text.to_owned(),
                |text, digits| {
                    without_spaced(&text, digits, RECIPIENT).replace(&format!("+{RECIPIENT}"), RECIPIENT)
                },
            )
        }
        Recipient::Email(address) => {
            let address = address.expose();
            let encoded = address.replace('@', "%40");
            let local = address.split('@').next().unwrap_or_default();
            let text = without_caseless(text, address, false);
            let text = without_caseless(&text, &encoded, false);
            without_caseless(&text, local, true)
        }
    }
}

/// Replaces `needle` in any case; with `whole_word` only where no letter or digit touches it.
fn without_caseless(text: &str, needle: &str, whole_word: bool) -> String {
    if needle.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let candidate = rest.get(..needle.len());
        let found = candidate.is_some_and(|part| part.eq_ignore_ascii_case(needle)) && {
            let after = rest[needle.len()..].chars().next();
            !whole_word || ![before, after].into_iter().flatten().any(char::is_alphanumeric)
        };
        let step = if found { needle.len() } else { first.len_utf8() };
        out.push_str(if found { RECIPIENT } else { &rest[..step] });
        before = rest[..step].chars().next_back();
        rest = &rest[step..];
    }
    out
}

/// Replaces `needle` where its characters follow each other with at most a few others between them.
fn without_spaced(text: &str, needle: &str, word: &str) -> String {
    if needle.len() > text.len() {
        return text.to_owned();
    }
    let wanted: Vec<char> = needle.chars().collect();
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        match spaced_match(&chars[at..], &wanted) {
            Some(length) => {
                out.push_str(word);
                at += length;
            }
            None => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out
}

/// How many characters of `text`, from its first, spell `wanted`.
fn spaced_match(text: &[char], wanted: &[char]) -> Option<usize> {
    let (first, rest) = wanted.split_first()?;
    if !text.first()?.eq_ignore_ascii_case(first) {
        return None;
    }
    let mut at = 1;
    for character in rest {
        let gap = text.get(at..)?.iter().take(GAP_MAX + 1).take_while(|c| !c.is_alphanumeric()).count();
        if gap > GAP_MAX || !text.get(at + gap)?.eq_ignore_ascii_case(character) {
            return None;
        }
        at += gap + 1;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use backstop_domain::{
        channel::Channel, clock::Timestamp, code::Code, id::Id, ports::random::SeededRandom,
    };

    use super::*;

    fn message(to: &str) -> Message {
        let random = SeededRandom::new(1);
        let now = Timestamp::from_millis(1_700_000_000_000);
        Message {
            attempt: Id::new(now, &random),
            number: 1,
            verification: Id::new(now, &random),
            channel: Channel::Sms,
            to: Recipient::parse(to, None).unwrap(),
            code: Code::custom("482913").unwrap(),
            brand: "Acme".into(),
            subject: "482913 is your code".into(),
            text: SecretString::new("Your \"Acme\" code is 482913.\nNever share it with anyone."),
            html: None,
            locale: "en".into(),
            expires_in: Duration::from_secs(300),
            reference: crate::adapter::test_reference(),
            links: Default::default(),
        }
    }

    fn redacted(to: &str, text: &str) -> String {
        let secrets = [SecretString::new("hunter22")];
        Redaction::of(&message(to), &secrets).text(text)
    }

    #[test]
    fn the_code_is_hidden_in_any_spacing_and_inside_longer_numbers() {
        for text in ["482913", "482 913", "4, 8, 2, 9, 1, 3", "id 77482913", "48-29-13"] {
            let hidden = redacted("+14155550123", text);
            assert!(hidden.contains(CODE), "{text} became {hidden}");
        }
        assert_eq!(redacted("+14155550123", "error 21211"), "error 21211");
    }

    #[test]
    fn the_number_is_hidden_with_and_without_plus_and_country_code() {
        for text in ["+14155550123", "14155550123", "%2B14155550123", "(415) 555-0123", "001 415 555 0123"] {
            let hidden = redacted("+14155550123", text);
            assert!(hidden.contains(RECIPIENT) && !hidden.contains("0123"), "{text} became {hidden}");
        }
    }

    #[test]
    fn the_address_is_hidden_in_any_case_and_its_local_part_too() {
        let hidden =
            redacted("asha@example.com", "<Asha@Example.com> asha%40example.com: no mailbox asha, ashanti");
        assert_eq!(hidden, "<[recipient]> [recipient]: no mailbox [recipient], ashanti");
    }

    #[test]
    fn the_text_is_hidden_whole_in_parts_and_escaped() {
        let whole = "Your \"Acme\" code is 482913.\nNever share it with anyone.";
        let json = serde_json::to_string(whole).unwrap();
        for text in [whole, &json, "Never share it with anyone.", "Your &quot;Acme&quot; code is [x]"] {
            let hidden = redacted("+14155550123", text);
            assert!(
                hidden.contains(TEXT) && !hidden.contains("Acme") && !hidden.contains("share"),
                "{hidden}"
            );
        }
    }

    #[test]
    fn a_credential_in_an_answer_is_hidden() {
        assert_eq!(redacted("+14155550123", "key hunter22 is bad"), "key [secret] is bad");
    }

    #[test]
    fn an_id_that_is_the_recipient_or_the_code_is_not_kept() {
        let message = message("+14155550123");
        let kept = |id: &str| {
            let sent = Sent::new(Outcome::Accepted { vendor_id: Some(id.to_owned()) }, "");
            match Redaction::of(&message, &[]).sent(sent).outcome {
                Outcome::Accepted { vendor_id } => vendor_id,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(kept("SM0123"), Some("SM0123".to_owned()));
        assert_eq!(kept("482913"), None);
        assert_eq!(kept("msg-14155550123"), None);
        assert_eq!(kept("part-1 part-2"), Some("part-1 part-2".to_owned()));
        for wrong in ["part-1 482913", "part-1  part-2", " part-1", "part-1\npart-2", ""] {
            assert_eq!(kept(wrong), None, "{wrong}");
        }
    }
}

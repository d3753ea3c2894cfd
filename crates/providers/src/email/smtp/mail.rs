//! The mail itself: plain text first, the same as simple HTML second, nothing remote in either.

use std::time::{Duration, UNIX_EPOCH};

use backstop_domain::{clock::Timestamp, ports::provider::Message, recipient::Recipient};
use lettre::{
    Address,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};

/// Who mails come from.
pub(super) struct Sender {
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    /// Where bounces go.
    pub(super) envelope: Address,
}

/// A mail as it goes out. It holds the code, so it has no `Debug`.
pub(super) struct Composed {
    pub(super) sender: Address,
    pub(super) recipient: Address,
    /// The `Message-ID` without its brackets.
    pub(super) id: String,
    pub(super) bytes: Vec<u8>,
}

/// Composes the mail for a message; `None` if its recipient cannot stand in one.
pub(super) fn compose(sender: &Sender, message: &Message, at: Timestamp) -> Option<Composed> {
    let Recipient::Email(address) = &message.to else { return None };
    let recipient: Address = address.expose().parse().ok()?;
    let id = format!("{}@{}", message.attempt, sender.from.email.domain());
    let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0));
    let subject = one_line(&message.subject);
    let text = message.text.expose();
    let mut builder = lettre::Message::builder()
        .from(sender.from.clone())
        .to(Mailbox::new(None, recipient.clone()))
        .subject(subject.clone())
        .date(date)
        .message_id(Some(format!("<{id}>")))
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"));
    if is_language(&message.locale) {
        builder = builder.raw_header(header("Content-Language", &message.locale));
    }
    if let Some(reply_to) = &sender.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    let html = html(text, message.code.expose(), &subject, &message.locale);
    let mail = builder.multipart(MultiPart::alternative_plain_html(text.to_owned(), html)).ok()?;
    Some(Composed { sender: sender.envelope.clone(), recipient, id, bytes: mail.formatted() })
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Without anything that could begin another header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn is_language(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 35
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The text as a page: a paragraph where a line was empty, the code large.
fn html(text: &str, code: &str, subject: &str, locale: &str) -> String {
    let paragraphs: String = text
        .replace("\r\n", "\n")
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .map(|paragraph| {
            let lines: Vec<String> = paragraph.trim_matches('\n').lines().map(escape).collect();
            format!("<p style=\"margin:0 0 16px\">{}</p>\n", lines.join("<br>\n"))
        })
        .collect();
    let large = format!("<strong style=\"font-size:24px;letter-spacing:3px\">{}</strong>", escape(code));
    let paragraphs = paragraphs.replace(&escape(code), &large);
    let language = if is_language(locale) { locale } else { "en" };
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n\
         <body dir=\"auto\" style=\"margin:24px;font:16px/1.5 sans-serif\">\n{paragraphs}</body>\n</html>\n",
        escape(subject)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use backstop_domain::{
        channel::Channel, code::Code, id::Id, ports::random::SeededRandom, secret::SecretString,
    };

    use super::*;

    fn composed(subject: &str, text: &str) -> String {
        let random = SeededRandom::new(1);
        let now = Timestamp::from_millis(1_767_225_600_000);
        let message = Message {
            attempt: Id::new(now, &random),
            number: 1,
            verification: Id::new(now, &random),
            channel: Channel::Email,
            to: Recipient::parse("asha@example.com", None).unwrap(),
            code: Code::custom("482913").unwrap(),
            brand: "Acme".into(),
            subject: subject.into(),
            text: SecretString::new(text),
            html: None,
            locale: "en".into(),
            expires_in: Duration::from_secs(300),
            reference: crate::adapter::test_reference(),
            links: Default::default(),
        };
        let from: Mailbox = "Acme <login@acme.example>".parse().unwrap();
        let sender = Sender { envelope: from.email.clone(), from, reply_to: None };
        String::from_utf8(compose(&sender, &message, now).unwrap().bytes).unwrap()
    }

    #[test]
    fn a_mail_says_that_a_machine_wrote_it_and_when() {
        let mail = composed("Your code", "Your code is 482913.");
        for line in [
            "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "X-Auto-Response-Suppress: All\r\n",
            "Content-Language: en\r\n",
            "@acme.example>\r\n",
            "Content-Type: multipart/alternative;",
        ] {
            assert!(mail.contains(line), "{line} is not in\n{mail}");
        }
    }

    #[test]
    fn a_subject_cannot_begin_another_header() {
        let mail = composed("Code\r\nBcc: eve@example.com", "482913");
        assert!(!mail.contains("\r\nBcc:"), "{mail}");
    }

    #[test]
    fn what_a_caller_wrote_is_text_in_the_page_and_never_markup() {
        let page = html("<script>alert(1)</script> & 482913\n\nBye", "482913", "<b>", "en\" onload=\"x");
        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("onload"), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("3px\">482913</strong>"), "{page}");
        assert!(!page.contains("http"), "a page that loads nothing names no address: {page}");
    }
}

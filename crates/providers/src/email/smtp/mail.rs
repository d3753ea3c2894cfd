//! The mail itself: plain text first, the same as a page second, nothing remote in either.

use std::time::{Duration, UNIX_EPOCH};

use backstop_domain::clock::Timestamp;
use lettre::{
    Address,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};

use crate::email::{AUTOMATIC, Mail, one_line};

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

/// Composes a mail; `None` if its recipient cannot stand in one.
pub(super) fn compose(sender: &Sender, mail: &Mail<'_>, at: Timestamp) -> Option<Composed> {
    let recipient: Address = mail.to.expose().parse().ok()?;
    let id = format!("{}@{}", mail.id(), sender.from.email.domain());
    let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0));
    let text = mail.text.to_owned();
    let mut builder = lettre::Message::builder()
        .from(sender.from.clone())
        .to(Mailbox::new(None, recipient.clone()))
        .subject(one_line(mail.subject))
        .date(date)
        .message_id(Some(format!("<{id}>")));
    for (name, value) in AUTOMATIC {
        builder = builder.raw_header(header(name, value));
    }
    if is_language(mail.locale) {
        builder = builder.raw_header(header("Content-Language", mail.locale));
    }
    if let Some(reply_to) = &sender.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    let composed = match mail.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(text, html.to_owned())),
        None => builder.singlepart(SinglePart::plain(text)),
    };
    let composed = composed.ok()?;
    Some(Composed { sender: sender.envelope.clone(), recipient, id, bytes: composed.formatted() })
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn is_language(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 35
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use backstop_domain::{
        channel::Channel,
        code::Code,
        id::Id,
        ports::{provider::Message, random::SeededRandom},
        recipient::Recipient,
        secret::SecretString,
    };

    use super::*;

    fn composed(subject: &str, text: &str, html: Option<&str>) -> String {
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
            html: html.map(SecretString::new),
            locale: "en".into(),
            expires_in: Duration::from_secs(300),
            reference: crate::adapter::test_reference(),
            links: Default::default(),
        };
        let from: Mailbox = "Acme <login@acme.example>".parse().unwrap();
        let sender = Sender { envelope: from.email.clone(), from, reply_to: None };
        String::from_utf8(compose(&sender, &Mail::of(&message).unwrap(), now).unwrap().bytes).unwrap()
    }

    #[test]
    fn a_mail_says_that_a_machine_wrote_it_and_when() {
        let mail = composed("Your code", "Your code is 482913.", Some("<p>482913</p>"));
        for line in [
            "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "X-Auto-Response-Suppress: All\r\n",
            "Content-Language: en\r\n",
            "@acme.example>\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
            "<p>482913</p>",
        ] {
            assert!(mail.contains(line), "{line} is not in\n{mail}");
        }
    }

    #[test]
    fn a_subject_cannot_begin_another_header() {
        let mail = composed("Code\r\nBcc: eve@example.com", "482913", Some("<p>482913</p>"));
        assert!(!mail.contains("\r\nBcc:"), "{mail}");
    }

    #[test]
    fn a_message_without_a_page_is_plain_text_alone() {
        let mail = composed("Your code", "Your code is 482913.", None);
        assert!(mail.contains("Content-Type: text/plain; charset=utf-8\r\n"), "{mail}");
        assert!(!mail.contains("multipart") && !mail.contains("text/html"), "{mail}");
    }
}

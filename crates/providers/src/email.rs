//! Vendors of mail, and what their mails have alike.

use backstop_domain::{
    outcome::{Outcome, Rejection},
    ports::provider::{Message, NoticeMail},
    recipient::{EmailAddress, Recipient},
};
use lettre::message::Mailbox;

use crate::registry::{BuildError, Draft};

pub(crate) mod aws_ses;
pub(crate) mod postmark;
pub(crate) mod resend;
pub(crate) mod sendgrid;
pub(crate) mod smtp;

/// What our name for an attempt is called beside a mail; it comes back with what the vendor says later.
const REFERENCE: &str = "backstop";

/// What every mail says of itself: a machine wrote it, and machines shall not answer. RFC 3834.
const AUTOMATIC: [(&str, &str); 2] =
    [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")];

/// A mail as vendors are handed it, with a code or without.
#[derive(Clone, Copy)]
struct Mail<'a> {
    to: &'a EmailAddress,
    subject: &'a str,
    text: &'a str,
    html: Option<&'a str>,
    locale: &'a str,
    sort: Sort<'a>,
}

/// What a mail is about.
#[derive(Clone, Copy)]
enum Sort<'a> {
    Code(&'a Message),
    Notice(&'a NoticeMail),
}

impl<'a> Mail<'a> {
    /// With a code; `None`: it goes to a telephone.
    fn of(message: &'a Message) -> Option<Self> {
        let Recipient::Email(to) = &message.to else { return None };
        Some(Self {
            to,
            subject: &message.subject,
            text: message.text.expose(),
            html: message.html.as_ref().map(|html| html.expose()),
            locale: &message.locale,
            sort: Sort::Code(message),
        })
    }

    /// Without one.
    fn of_notice(notice: &'a NoticeMail) -> Option<Self> {
        let Recipient::Email(to) = &notice.to else { return None };
        let (subject, text, locale) = (&notice.subject, &notice.text, notice.locale);
        Some(Self { to, subject, text, html: None, locale, sort: Sort::Notice(notice) })
    }

    /// Names it, so that nothing on the way makes two of it: the one try of a message with a code, a notice over all its tries.
    fn id(&self) -> String {
        match self.sort {
            Sort::Code(message) => message.attempt.to_string(),
            Sort::Notice(notice) => notice.notice.to_string(),
        }
    }

    /// Our name for an attempt, by which receipts find it; of a notice none are heard.
    fn reference(&self) -> Option<String> {
        match self.sort {
            Sort::Code(message) => Some(message.reference.to_string()),
            Sort::Notice(_) => None,
        }
    }
}

/// An address of the configuration.
fn mailbox(draft: &Draft<'_>, key: &str, text: &str) -> Result<Mailbox, BuildError> {
    text.parse().map_err(|_| {
        draft.wrong(key, "is not an address", "write Acme <login@acme.example> or login@acme.example")
    })
}

/// Without anything that could begin another header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The refusal in an outcome, for a receipt.
fn rejection(outcome: Outcome) -> Option<Rejection> {
    match outcome {
        Outcome::Rejected(rejection) => Some(rejection),
        _ => None,
    }
}

/// A vendor's own word, such as `HardBounce`: nothing that could be an address, a number or a code.
fn word(text: Option<&str>) -> Option<&str> {
    text.filter(|text| {
        text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphabetic() || b" -".contains(&byte))
    })
}

//! Vendors of mail, and what their mails have alike.

use backstop_domain::outcome::{Outcome, Rejection};
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

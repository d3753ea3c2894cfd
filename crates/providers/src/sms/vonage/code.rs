//! Vonage's codes in our words. <https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms> and
//! <https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts>, read 2026-11.
//!
//! What depends on the destination has the scope of the route or the recipient: otherwise anybody who types a foreign
//! number could switch the account off.

use backstop_domain::{
    outcome::{Outcome, Reason, Rejection, Scope},
    receipt::ReceiptState,
};

use Reason::{InvalidRecipient, Misconfigured, OptedOut, OutOfCredit, RateLimited, Unavailable};

/// The outcome of a `status` in the answer to a text; `None` if it is not one that we know.
pub(super) fn of_status(status: u32, text: &str) -> Option<Outcome> {
    Some(match status {
        1 | 10 => Outcome::rejected(RateLimited),
        3 if names_the_recipient(text) => Outcome::rejected(InvalidRecipient),
        // 2, 12, 22, 23: only a mistake of ours makes them. 6: a prefix that nobody routes. 15: a sender that is not allowed there.
        2 | 3 | 6 | 12 | 15 | 22 | 23 => Outcome::rejected_for(Misconfigured, Scope::Route),
        // Credentials; an account that may not send; one on trial, which reaches listed numbers only.
        4 | 8 | 11 | 14 | 29 | 32 => Outcome::rejected(Misconfigured),
        5 => Outcome::rejected(Unavailable),
        7 => Outcome::rejected(OptedOut),
        9 => Outcome::rejected(OutOfCredit),
        33 => Outcome::rejected(InvalidRecipient),
        _ => return None,
    })
}

/// Whether an error's text blames the number that the message goes to: `Invalid value for parameter: to`, `$to is ..`. The
/// word alone does not: it is a word of English.
pub(super) fn names_the_recipient(text: &str) -> bool {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.iter().enumerate().any(|(index, word)| {
        let name = word.trim_matches(|c: char| !c.is_alphanumeric());
        let after_its_kind = index.checked_sub(1).is_some_and(|before| {
            matches!(words[before].trim_end_matches(':'), "param" | "parameter" | "field")
        });
        name == "msisdn" || name == "to" && (*word != "to" || after_its_kind)
    })
}

/// What the `status` of a receipt says; `None` if it is not one that we know.
pub(super) fn of_receipt(status: &str) -> Option<ReceiptState> {
    Some(match status {
        "accepted" | "buffered" | "submitted" => ReceiptState::OnItsWay,
        "delivered" => ReceiptState::Delivered,
        "expired" | "unknown" | "deleted" => ReceiptState::Undelivered,
        "failed" | "rejected" => ReceiptState::Failed,
        _ => return None,
    })
}

/// Why a text did not arrive, by the `err-code` of its receipt; `None` where it says nothing more than the status.
pub(super) fn of_err_code(code: u32) -> Option<Rejection> {
    let (reason, scope) = match code {
        // One network's trouble.
        1 | 5 | 8 | 12 | 99 => (Unavailable, Scope::Route),
        3 => (InvalidRecipient, Scope::Recipient),
        4 | 9 => (OptedOut, Scope::Recipient),
        // Spam filters, texts and senders that are not allowed there, numbers that nobody routes, India's registration.
        6 | 10 | 11 | 13 | 14 | 50..=54 => (Misconfigured, Scope::Route),
        _ => return None,
    };
    Some(Rejection { reason, scope, retry_after: None })
}

/// What the `status` of a call's event says, and why; `None` if it is not one that we know.
///
/// `answered` tells nothing: a mailbox answers too. The end of the call does.
pub(super) fn of_call(status: &str, detail: &str, spoke: bool) -> Option<(ReceiptState, Option<Rejection>)> {
    let because = |reason, scope| Some(Rejection { reason, scope, retry_after: None });
    Some(match (status, detail) {
        ("started" | "ringing" | "answered" | "human", _) => (ReceiptState::OnItsWay, None),
        ("completed", _) if spoke => (ReceiptState::Delivered, None),
        ("completed" | "machine" | "busy" | "timeout" | "unanswered", _) => (ReceiptState::Undelivered, None),
        ("rejected", "invalid_number") | ("failed", "number_out_of_service") => {
            (ReceiptState::Failed, because(InvalidRecipient, Scope::Recipient))
        }
        ("rejected", "restricted") | ("failed", "cannot_route") => {
            (ReceiptState::Failed, because(Misconfigured, Scope::Route))
        }
        ("failed", "internal_error") => (ReceiptState::Failed, because(Unavailable, Scope::Route)),
        // A person who declines one call has not opted out of the next.
        ("rejected" | "failed" | "cancelled" | "disconnected", _) => (ReceiptState::Failed, None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_status_means_accepted_and_a_foreign_number_does_not_switch_the_account_off() {
        for status in 1..1000 {
            assert!(!matches!(of_status(status, ""), Some(Outcome::Accepted { .. })), "{status}");
        }
        for status in [3, 6, 7, 15, 33] {
            let Some(Outcome::Rejected(rejection)) = of_status(status, "parameter: to") else {
                panic!("{status} is not a refusal")
            };
            assert_ne!(rejection.scope, Scope::Provider, "{status}");
        }
        for code in 0..200 {
            assert!(of_err_code(code).is_none_or(|rejection| rejection.scope != Scope::Provider), "{code}");
        }
    }

    #[test]
    fn a_text_blames_the_recipient_only_where_it_names_the_parameter() {
        for text in
            ["Invalid value for parameter: to", "$to is not valid", "Invalid `to` number", "invalid msisdn"]
        {
            assert!(names_the_recipient(text), "{text}");
        }
        for text in
            ["", "You are not allowed to do this", "Invalid value for parameter: from", "Go to the console"]
        {
            assert!(!names_the_recipient(text), "{text}");
        }
    }
}

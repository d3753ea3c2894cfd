//! Gupshup's error codes in our words, at the send and in receipts.
//! <https://docs.gupshup.io/docs/error-codes-sms>, read 2026-11.
//!
//! The public list ends at 109. Words decide about what lies beyond; an unknown code closes nothing.

use backstop_domain::outcome::{Outcome, Reason, Rejection, Scope};

use crate::{loose::says, sms::india};

/// The outcome of an error at the send; `None`: not one that we know.
pub(crate) fn refusal(code: &str, details: &str) -> Option<Outcome> {
    use Reason::{InvalidRecipient, Misconfigured, Unavailable};
    let by_code = match code {
        // "Retry after some time."
        "100" => Outcome::rejected(Unavailable),
        "101" | "102" | "103" | "104" | "106" | "107" | "109" => Outcome::rejected(Misconfigured),
        "105" => Outcome::rejected(InvalidRecipient),
        // The mask; a service that the account does not have, such as texts abroad.
        "108" | "175" => Outcome::rejected_for(Misconfigured, Scope::Route),
        _ => return by_words(details),
    };
    // Each code but these says all that there is.
    let vague = matches!(code, "100" | "101");
    Some(if vague { by_words(details).unwrap_or(by_code) } else { by_code })
}

fn by_words(details: &str) -> Option<Outcome> {
    Some(if says(details, &["already been marked as requested"]) {
        Outcome::rejected_for(Reason::RateLimited, Scope::Recipient)
    } else if says(details, &["template", "dlt", "entity"]) {
        Outcome::rejected_for(Reason::Misconfigured, Scope::Route)
    } else if says(details, &["credit", "balance", "quota"]) {
        Outcome::rejected(Reason::OutOfCredit)
    } else {
        return None;
    })
}

/// Why a text did not arrive, by the code or the cause of its receipt.
pub(crate) fn undelivered(code: &str, cause: &str) -> Option<Rejection> {
    use Reason::{InvalidRecipient, Misconfigured, OptedOut, Unavailable};
    let rejection = |reason, scope| Some(Rejection { reason, scope, retry_after: None });
    let cause = cause.to_ascii_uppercase();
    let is = |number: &str, word: &str| code == number || cause == word;
    if is("001", "ABSENT_SUBSCRIBER") {
        rejection(Unavailable, Scope::Recipient)
    } else if is("002", "CALL_BARRED") || is("007", "BLOCKED") {
        rejection(OptedOut, Scope::Recipient)
    } else if is("003", "UNKNOWN_SUBSCRIBER") {
        rejection(InvalidRecipient, Scope::Recipient)
    } else if is("004", "SERVICE_DOWN") || is("005", "SYSTEM_FAILURE") || is("008", "DND_TIMEOUT") {
        rejection(Unavailable, Scope::Route)
    } else if is("006", "DND_FAIL") || is("009", "OUTSIDE_WORKING_HOURS") {
        // Advertising's rules were held against a code: the account is a promotional one.
        rejection(Misconfigured, Scope::Route)
    } else {
        let unregistered = says(&cause, &["template", "dlt", "entity"]).then_some(india::UNREGISTERED);
        india::scrubbed(code).or(unregistered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_means_accepted_and_no_number_switches_the_account_off() {
        for code in 0..1000 {
            assert!(!matches!(refusal(&code.to_string(), ""), Some(Outcome::Accepted { .. })), "{code}");
        }
        for (code, details) in
            [("105", ""), ("175", "INTERNATIONAL_PHONE"), ("300", "already been marked as requested")]
        {
            let Some(Outcome::Rejected(rejection)) = refusal(code, details) else { panic!("{code}") };
            assert_ne!(rejection.scope, Scope::Provider, "{code}");
        }
    }
}

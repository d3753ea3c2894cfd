//! Gupshup's error codes for WhatsApp in our words, and Meta's, which it passes through.
//! <https://partner-docs.gupshup.io/docs/error-codes> and
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>, read 2026-11.
//!
//! What depends on one number has the recipient's scope; a template or a country closes a route.

use std::time::Duration;

use backstop_domain::outcome::{Outcome, Reason, Rejection, Scope};

use crate::{loose::says, sms::gupshup::code as gateway};

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The outcome of an error code; `None`: not one that we know.
pub(super) fn refusal(code: u32) -> Option<Outcome> {
    use Reason::{
        InvalidRecipient, Misconfigured, NotOnChannel, OptedOut, OutOfCredit, RateLimited, Unavailable,
    };
    let provider = |reason| Outcome::rejected_for(reason, Scope::Provider);
    let route = |reason| Outcome::rejected_for(reason, Scope::Route);
    let recipient = |reason| Outcome::rejected_for(reason, Scope::Recipient);
    Some(match code {
        // No WhatsApp on this number, or one that is too old.
        1002 | 1013 | 1026 | 131_026 => recipient(NotOnChannel),
        131_021 => recipient(InvalidRecipient),
        // Did not opt in, opted out, or Meta keeps messages of business away from the person.
        1006 | 1008 | 1012 | 131_050 | 130_472 | 137_000 => recipient(OptedOut),
        // Meta had enough messages of business for this person, for a day.
        131_049 => recipient(RateLimited).with_retry_after(Some(A_DAY)),
        131_056 => recipient(RateLimited),
        1003 | 131_042 => provider(OutOfCredit),
        // Sender, token, permission; an account that Meta locked.
        1001 | 0 | 3 | 10 | 190 | 200..=299 | 33 | 368 | 131_005 | 131_031 | 131_037 | 131_045 | 133_010 => {
            provider(Misconfigured)
        }
        // Templates, countries, a number that a test account may not reach, requests that only a mistake of ours makes.
        470
        | 1004
        | 1005
        | 1007
        | 1010
        | 1011
        | 4003
        | 100
        | 130_497
        | 131_008
        | 131_009
        | 131_030
        | 131_047
        | 131_051
        | 132_000..=132_999 => route(Misconfigured),
        4 | 471 | 4001 | 80_007 | 130_429 | 131_048 | 131_064 | 133_016 => provider(RateLimited),
        1 | 2 | 500 | 131_000 | 131_016 | 131_057 | 133_004 | 135_000 => provider(Unavailable),
        // WhatsApp's answer to Gupshup could not be read.
        4002 => Outcome::Unknown,
        _ => return None,
    })
}

/// The outcome of the words of an error without a code that we know.
pub(super) fn by_words(message: &str) -> Option<Outcome> {
    Some(if says(message, &["opted in", "opted out", "opt-in", "optin", "opted-in"]) {
        Outcome::rejected(Reason::OptedOut)
    } else if says(message, &["template"]) {
        Outcome::rejected_for(Reason::Misconfigured, Scope::Route)
    } else if says(message, &["wallet", "balance", "credit"]) {
        Outcome::rejected(Reason::OutOfCredit)
    } else if says(message, &["too many requests", "rate limit"]) {
        Outcome::rejected(Reason::RateLimited)
    } else if says(message, &["apikey", "api key", "authenticat", "authoris", "authoriz"]) {
        Outcome::rejected(Reason::Misconfigured)
    } else if says(message, &["invalid destination", "invalid phone"]) {
        Outcome::rejected(Reason::InvalidRecipient)
    } else {
        return None;
    })
}

/// The same at the enterprise gateway, whose codes of three digits are those of its texts.
pub(super) fn of_the_gateway(code: &str, details: &str) -> Option<Outcome> {
    let number = code.parse().ok().filter(|number| *number >= 1000 || matches!(number, 470 | 471));
    let by_code = match number {
        Some(number) => refusal(number),
        None => gateway::refusal(code, details),
    };
    by_code.or_else(|| by_words(details))
}

/// Why a message failed later.
pub(super) fn failed(code: &str, reason: &str) -> Option<Rejection> {
    let known = code.parse().ok().and_then(refusal).or_else(|| by_words(reason));
    match known {
        Some(Outcome::Rejected(rejection)) => Some(rejection),
        _ => None,
    }
}

/// The same in the gateway's reports.
pub(super) fn failed_at_the_gateway(code: &str, cause: &str) -> Option<Rejection> {
    match code.parse::<u32>() {
        Ok(number) if number >= 470 => failed(code, cause),
        _ => gateway::undelivered(code, cause).or_else(|| failed("", cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_means_accepted() {
        for code in (0..5000).chain(80_000..81_000).chain(130_000..140_000) {
            assert!(!matches!(refusal(code), Some(Outcome::Accepted { .. })), "{code}");
        }
    }

    #[test]
    fn no_number_switches_the_account_off() {
        for code in [1002, 1006, 1012, 1013, 131_021, 131_026, 131_030, 131_056, 130_497, 132_001] {
            let Some(Outcome::Rejected(rejection)) = refusal(code) else { panic!("{code}") };
            assert_ne!(rejection.scope, Scope::Provider, "{code}");
        }
    }
}

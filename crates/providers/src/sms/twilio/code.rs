//! Twilio's error codes in our words. <https://www.twilio.com/docs/api/errors>, read 2026-11.
//!
//! A code that depends on the destination has the scope of the route or the recipient: otherwise anybody who types a
//! foreign number could switch the account off. So has what is wrong with one channel alone, its sender or its template:
//! the others of the account go on.

use std::time::Duration;

use backstop_domain::outcome::{Outcome, Reason, Scope};

/// Caps that last until the next day; asked again sooner, because nobody knows whose day.
const DAILY_CAP: Duration = Duration::from_secs(60 * 60);

/// The outcome of an error code; `None` if it is not one that we know.
pub(super) fn outcome(code: u32) -> Option<Outcome> {
    use Reason::{
        InvalidRecipient, Misconfigured, NotOnChannel, OptedOut, OutOfCredit, RateLimited, Unavailable,
    };
    let provider = |reason| Outcome::rejected_for(reason, Scope::Provider);
    let route = |reason| Outcome::rejected_for(reason, Scope::Route);
    let recipient = |reason| Outcome::rejected_for(reason, Scope::Recipient);
    Some(match code {
        // Credentials, or an account that may not send.
        20003 | 20006 | 20008 | 20403 | 20404 | 20005 | 10001 => provider(Misconfigured),
        // Suspended, most often for want of money.
        90010 | 30002 => provider(OutOfCredit),
        // Surely not processed.
        20429 | 21611 | 30001 | 30022 => provider(RateLimited),
        30023 | 30027 | 63038 => provider(RateLimited).with_retry_after(Some(DAILY_CAP)),
        20500 | 20503 => provider(Unavailable),
        // A request that only a mistake of ours makes.
        20422 | 21602 | 21603 | 21604 | 21605 | 21617 | 21910 => route(Misconfigured),
        21211 | 21217 | 30005 => recipient(InvalidRecipient),
        // Not from this sender; another provider may reach it.
        21214 | 21612 => route(Unavailable),
        21614 | 30006 => recipient(NotOnChannel),
        // Countries, block lists, pumping protection, senders that are not registered for the destination.
        21408 | 21215 | 21216 | 30450 | 30007 | 30010 | 30018 | 30024 | 30032..=30035 => route(Misconfigured),
        // A sender that does not exist, or cannot reach everywhere.
        21212 | 21606 | 21607 => route(Misconfigured),
        // A trial account, a messaging service that does not exist, or an address of ours that Twilio does not take.
        21219 | 21608 | 21703 | 21704 | 21705 | 21709 | 21609 => provider(Misconfigured),
        21610 | 30004 => recipient(OptedOut),
        30003 => recipient(Unavailable),
        // Carrier time-out: it may have been delivered.
        30410 => Outcome::Unknown,
        30008 | 30017 | 30036 | 30453 => route(Unavailable),
        // Delivery errors that came later than our list.
        30000..=30999 => route(Unavailable),
        _ => return call(code).or_else(|| whatsapp(code)),
    })
}

/// Codes of calls.
fn call(code: u32) -> Option<Outcome> {
    let route = |reason| Outcome::rejected_for(reason, Scope::Route);
    Some(match code {
        21201 | 13223 | 13224 | 13226 => Outcome::rejected(Reason::InvalidRecipient),
        // Premium numbers, countries, block lists.
        21202 | 21203 | 13225 | 13227 => route(Reason::Misconfigured),
        // The sender, or an address of ours.
        21205 | 21210 | 21213 | 21218 | 21234 | 21262 | 21263 | 21626 | 13247 => route(Reason::Misconfigured),
        // Too many calls at once say nothing about texts.
        10004 => route(Reason::RateLimited),
        32016 => route(Reason::Unavailable),
        _ => return None,
    })
}

/// Codes of WhatsApp.
fn whatsapp(code: u32) -> Option<Outcome> {
    let route = |reason| Outcome::rejected_for(reason, Scope::Route);
    Some(match code {
        63003 | 63024 => Outcome::rejected(Reason::NotOnChannel),
        63031 => Outcome::rejected(Reason::InvalidRecipient),
        63014 | 63032 | 63033 => Outcome::rejected(Reason::OptedOut),
        // The Meta account owes money; Twilio's does not.
        63020 => route(Reason::OutOfCredit),
        63017 | 63018 => route(Reason::RateLimited),
        63026 => route(Reason::RateLimited).with_retry_after(Some(DAILY_CAP)),
        63009..=63012 | 63023 => route(Reason::Unavailable),
        // The template and its variables.
        21654..=21656 => route(Reason::Misconfigured),
        // The sender, the sandbox, the template, and whatever came later than our list.
        63000..=63999 => route(Reason::Misconfigured),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_code_means_accepted() {
        for code in 0..100_000 {
            assert!(!matches!(outcome(code), Some(Outcome::Accepted { .. })), "{code}");
        }
    }

    #[test]
    fn a_foreign_number_does_not_switch_the_account_off() {
        for code in [21211, 21408, 21610, 21614, 21612, 21606, 30450, 30007, 21215, 13227, 63015, 63024] {
            let Some(Outcome::Rejected(rejection)) = outcome(code) else { panic!("{code} is not a refusal") };
            assert_ne!(rejection.scope, Scope::Provider, "{code}");
        }
    }

    #[test]
    fn what_is_wrong_with_whatsapp_or_calls_alone_does_not_stop_texts() {
        for code in (63000..64000).filter(|code| *code != 63038).chain([21210, 21212, 21213, 10004, 13247]) {
            let Some(Outcome::Rejected(rejection)) = outcome(code) else { panic!("{code} is not a refusal") };
            assert_ne!(rejection.scope, Scope::Provider, "{code}");
        }
    }
}

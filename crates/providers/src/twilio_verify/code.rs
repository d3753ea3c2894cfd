//! Error codes of Twilio Verify in our words. <https://www.twilio.com/docs/api/errors>, read 2026-11.
//!
//! Hardly any of them is about the whole account: a limit is the recipient's, a block the country's, a set-up the
//! channel's. Otherwise anybody who types a foreign number could switch it off.

use backstop_domain::outcome::{Outcome, Reason, Scope};

use crate::twilio_account::Failure;

/// The outcome of a refusal; `None` if its code is not one that we know.
pub(super) fn outcome(failure: &Failure) -> Option<Outcome> {
    match failure.code()? {
        60200 if failure.blames("To") => Some(Outcome::rejected(Reason::InvalidRecipient)),
        code => by_code(code),
    }
}

fn by_code(code: u32) -> Option<Outcome> {
    use Reason::{
        InvalidRecipient, Misconfigured, NotOnChannel, OptedOut, OutOfCredit, RateLimited, Unavailable,
    };
    let provider = |reason| Outcome::rejected_for(reason, Scope::Provider);
    let route = |reason| Outcome::rejected_for(reason, Scope::Route);
    let recipient = |reason| Outcome::rejected_for(reason, Scope::Recipient);
    Some(match code {
        // Credentials, an account that may not send, a service that is not there.
        20003 | 20005 | 20006 | 20008 | 20404 | 10001 | 575_001 => provider(Misconfigured),
        // Suspended, most often for want of money.
        90010 | 30002 => provider(OutOfCredit),
        // Surely not processed.
        20429 => provider(RateLimited),
        20500 | 20503 => provider(Unavailable),
        // A trial account's limit.
        60624 => provider(RateLimited),
        // Too many codes, tries or requests for this one person.
        60202 | 60203 | 60212 | 60626 => recipient(RateLimited),
        60245 => route(RateLimited),
        21211 | 21217 => recipient(InvalidRecipient),
        60205 | 21614 => recipient(NotOnChannel),
        // Silent network authentication did not find the person there.
        60500 | 60510 | 60511 | 60517 | 60519 | 60520 | 60531..=60534 | 60540 | 60550 => {
            recipient(NotOnChannel)
        }
        21610 => recipient(OptedOut),
        21612 => route(Unavailable),
        // Blocks of countries and prefixes, for fraud or by the account's own permissions.
        60238 | 60410 | 60412 | 60605 | 21408 | 30450 => route(Misconfigured),
        // A channel that is not set up; what the mail behind it says.
        60217 | 60222 | 60223 | 60604 | 68008 => route(Misconfigured),
        60603 => route(OutOfCredit),
        // A feature or a template that the service does not have; China's rules.
        60204 | 60201 | 60218..=60220 | 60224 | 60226..=60229 | 60408 | 60409 => route(Misconfigured),
        // A request that only a mistake of ours makes.
        60200 | 60206..=60211 | 60213..=60216 | 60221 | 60225 | 60242 | 60243 | 60247 | 60602 => {
            route(Misconfigured)
        }
        // Warnings: they do not say that nothing was sent.
        60325 | 60333 => Outcome::Unknown,
        // Other products below the same name.
        60300..=60399 => route(Misconfigured),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_code_means_accepted() {
        for code in (0..100_000).chain([575_001]) {
            assert!(!matches!(by_code(code), Some(Outcome::Accepted { .. })), "{code}");
        }
    }

    #[test]
    fn a_foreign_number_does_not_switch_the_account_off() {
        for code in [60200, 60203, 60205, 60212, 60238, 60410, 60412, 60605, 60626, 21211, 21408, 21610] {
            let Some(Outcome::Rejected(rejection)) = by_code(code) else { panic!("{code} is no refusal") };
            assert_ne!(rejection.scope, Scope::Provider, "{code}");
        }
    }
}

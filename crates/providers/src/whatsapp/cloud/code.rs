//! The error codes of the Graph API in our words. <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>,
//! read 2026-11.
//!
//! They come with a refusal and, later, with a message that failed. A code that a recipient or a parameter can bring about never
//! has the scope of the provider.

use std::time::Duration;

use backstop_domain::outcome::{Outcome, Reason, Scope};

/// Meta's word for the cap on a person's messages: not before tomorrow.
const NOT_BEFORE: Duration = Duration::from_secs(24 * 60 * 60);
/// The subcode of 100 for an object that does not exist: a wrong `phone_number_id`.
const NO_SUCH_OBJECT: u32 = 33;
/// The subcode of 100 for a number that is probably not on WhatsApp.
const NOT_REGISTERED: u32 = 2_494_010;

/// The outcome of an error code; `None` if it is not one that we know.
pub(super) fn outcome(code: u32, subcode: Option<u32>) -> Option<Outcome> {
    use Reason::{
        InvalidRecipient, Misconfigured, NotOnChannel, OptedOut, OutOfCredit, RateLimited, Unavailable,
    };
    let provider = |reason| Outcome::rejected_for(reason, Scope::Provider);
    let route = |reason| Outcome::rejected_for(reason, Scope::Route);
    let recipient = |reason| Outcome::rejected_for(reason, Scope::Recipient);
    Some(match code {
        100 if subcode == Some(NOT_REGISTERED) => recipient(NotOnChannel),
        100 if subcode == Some(NO_SUCH_OBJECT) => provider(Misconfigured),
        131_026 => recipient(NotOnChannel),
        131_021 => recipient(InvalidRecipient),
        131_049 => recipient(OptedOut).with_retry_after(Some(NOT_BEFORE)),
        // The person stopped us, is in one of Meta's experiments, or has changed identity.
        131_050 | 130_472 | 137_000 => recipient(OptedOut),
        // Token, permission, a number that is not registered or not ours, an account that is locked.
        0 | 190 | 3 | 10 | 200..=299 | 131_005 | 33 | 133_010 | 131_045 | 131_037 | 368 | 131_031 => {
            provider(Misconfigured)
        }
        // A parameter: ours is wrong, or one message's.
        100 | 131_008 | 131_009 | 131_051 | 131_047 => route(Misconfigured),
        // The template: its parameters, its language, its approval, its quality.
        132_000 | 132_001 | 132_005 | 132_007 | 132_008 | 132_012 | 132_015 | 132_016 => route(Misconfigured),
        // The country; and a test number, which reaches five recipients.
        130_497 | 131_030 => route(Misconfigured),
        131_042 => provider(OutOfCredit),
        4 | 80_007 | 130_429 | 131_048 | 131_064 | 133_016 => provider(RateLimited),
        131_056 => recipient(RateLimited),
        1 | 2 | 131_000 | 131_016 | 131_057 | 135_000 | 133_004 => provider(Unavailable),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_code_means_accepted() {
        for code in 0..200_000 {
            assert!(matches!(outcome(code, None), None | Some(Outcome::Rejected(_))), "{code}");
        }
    }

    #[test]
    fn a_number_that_anybody_may_type_does_not_switch_the_account_off() {
        for (code, subcode) in [
            (131_026, None),
            (131_021, None),
            (131_030, None),
            (131_049, None),
            (131_056, None),
            (130_497, None),
            (131_009, None),
            (100, None),
            (100, Some(NOT_REGISTERED)),
        ] {
            let Some(Outcome::Rejected(rejection)) = outcome(code, subcode) else {
                panic!("{code} is not a refusal")
            };
            assert_ne!(rejection.scope, Scope::Provider, "{code}");
        }
    }
}

//! Why a text did not arrive and why a call ended, in our words.
//! <https://www.plivo.com/docs/messaging/troubleshooting/error-codes> and
//! <https://www.plivo.com/docs/voice/troubleshooting/hangup-causes>, read 2026-11.

use backstop_domain::{
    outcome::{
        Reason::{self, InvalidRecipient, Misconfigured, OptedOut, OutOfCredit, RateLimited, Unavailable},
        Rejection, Scope,
    },
    receipt::ReceiptState,
};

const fn rejection(reason: Reason, scope: Scope) -> Rejection {
    Rejection { reason, scope, retry_after: None }
}

/// The reason of an error code of a text; `None`: no reason, or one that we do not know.
pub(super) fn of_text(code: u32) -> Option<Rejection> {
    let (reason, scope) = match code {
        // No such number, a landline, or gone for good.
        50 | 70 => (InvalidRecipient, Scope::Recipient),
        // Out of reach, or later than we asked for.
        80 | 420 => (Unavailable, Scope::Recipient),
        200 => (OptedOut, Scope::Recipient),
        20 | 60 | 300 | 1000 => (Unavailable, Scope::Route),
        // The text, the sender or the country.
        10 | 30 | 40 | 90 | 100 | 110 | 201 | 450 | 950 => (Misconfigured, Scope::Route),
        900 => (OutOfCredit, Scope::Provider),
        910 => (Misconfigured, Scope::Provider),
        // DLT scrubbing of India's operators: ids, header or template.
        195 | 600..=619 => (Misconfigured, Scope::Route),
        _ => return None,
    };
    Some(rejection(reason, scope))
}

/// What became of a call that ended for this cause. `talked`: somebody answered.
pub(super) fn of_call(cause: u32, talked: bool) -> Option<(ReceiptState, Option<Rejection>)> {
    use ReceiptState::{Delivered, Failed, Undelivered};
    let failed = |reason, scope| (Failed, Some(rejection(reason, scope)));
    Some(match cause {
        // Hung up by somebody, or at the end of the script.
        4000..=4999 if talked => (Delivered, None),
        0 | 4000..=4999 => (Undelivered, None),
        1000 => (Failed, None),
        1010 => failed(OutOfCredit, Scope::Provider),
        // Too many calls to this number at once.
        1020 => failed(RateLimited, Scope::Recipient),
        2000 | 2010 | 2020 => failed(InvalidRecipient, Scope::Recipient),
        // Countries and premium numbers that are not enabled, and loops.
        2030..=2999 => failed(Misconfigured, Scope::Route),
        // Not answered, busy, rejected; rung for long enough.
        3000..=3999 | 6000..=6999 => (Undelivered, None),
        // The network, or our own answer.
        5000..=5999 | 7000..=8999 => failed(Unavailable, Scope::Route),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_money_and_a_disabled_account_stop_the_whole_account() {
        let stops = |rejection: Option<Rejection>| rejection.is_some_and(|it| it.scope == Scope::Provider);
        let texts: Vec<u32> = (0..2000).filter(|code| stops(of_text(*code))).collect();
        assert_eq!(texts, [900, 910]);
        let calls: Vec<u32> = (0..10_000)
            .filter(|cause| stops(of_call(*cause, true).and_then(|(_, rejection)| rejection)))
            .collect();
        assert_eq!(calls, [1010]);
    }

    #[test]
    fn a_call_that_nobody_answered_was_not_delivered() {
        for cause in 0..10_000 {
            assert!(!matches!(of_call(cause, false), Some((ReceiptState::Delivered, _))), "{cause}");
        }
        assert_eq!(of_call(4010, true), Some((ReceiptState::Delivered, None)));
    }
}

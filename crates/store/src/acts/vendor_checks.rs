//! Codes that a vendor made: charged in one act, judged by the vendor outside of any, concluded in another.
//!
//! Between the two the verification is marked, so that its vendor is asked one thing at a time. Nothing that happens in
//! between is a second charge or a second win: the conclusion counts only if the verification is still pending and the
//! mark still its own. A crash in between leaves it pending, charged and marked, until the mark's time is over.

use backstop_domain::{
    ports::store::{Checked, Conclusion, Once, Refusal, SubmittedCheck},
    verification::{CheckAnswer, Checking, Status, Verdict, Verification},
};

use super::{Ledger, TakenCheck, replay};
use crate::error::Result;

/// Charges a code that `row`'s vendor has to judge.
pub(super) fn ask<L: Ledger>(
    ledger: &mut L,
    submitted: &SubmittedCheck,
    mut row: Verification,
) -> Result<Once<Checked>> {
    let now = submitted.now;
    let Some(provider) = row.vendor_check.clone().filter(|_| submitted.judge.fits_a_vendor()) else {
        return Ok(Once::Done(Checked::WrongForm));
    };
    let checking = Checking::begins(submitted.idempotency, now);
    let asks = Checked::Ask { verification: row.id, provider, checking };
    if let Some(before) = row.checking {
        let again = before.is_charged_to(submitted.idempotency, now);
        if again && before.idempotency != submitted.idempotency {
            return Ok(Once::OtherBody);
        }
        if now < before.until {
            return Ok(Once::Done(Checked::Busy { until: before.until }));
        }
        if again {
            row.checking = Some(checking);
            ledger.mark_check(&row)?;
            return Ok(Once::Done(asks));
        }
    }
    if row.checks_left(now) == 0 {
        // Nobody learned what the last one was, and there is none left for this one.
        let answer = row.conclude_check(false, now);
        ledger.conclude_check(&row)?;
        return Ok(Once::Done(Checked::Answer { verification: row.id, answer }));
    }
    let rules = submitted.limits.for_check(submitted.application, row.recipient);
    let public = submitted.authority.is_public();
    if let Err(exceeded) = ledger.charge(&rules, public, now) {
        return Ok(Once::Done(Checked::Refused(Refusal(exceeded))));
    }
    row.begin_check(checking);
    // Until the vendor says otherwise.
    ledger.take_check(&row, TakenCheck { at: now, public, charged: true, verdict: Verdict::Wrong })?;
    Ok(Once::Done(asks))
}

/// Writes down what the vendor said.
pub(crate) fn conclude<L: Ledger>(ledger: &mut L, conclusion: &Conclusion) -> Result<Once<Checked>> {
    let Conclusion { application, verification, checking, right, now } = *conclusion;
    ledger.see(now);
    if let Some(answer) = replay::before(ledger, checking.idempotency, now)? {
        return Ok(answer);
    }
    let Some(mut row) = ledger.verification(application, verification)? else {
        return Ok(Once::Done(Checked::NotFound));
    };
    let status = row.status_at(now);
    let answer = if status != Status::Pending {
        CheckAnswer { valid: false, status, checks_left: 0 }
    } else {
        match row.checking.filter(|marked| marked.is(&checking)) {
            // Another check has taken its place: what this one would have been is not known any more.
            None => {
                let until = row.checking.map_or(now, |marked| marked.until);
                return Ok(Once::Done(Checked::Busy { until }));
            }
            Some(marked) => {
                let Some(right) = right else {
                    row.checking = Some(Checking { until: now, ..marked });
                    ledger.mark_check(&row)?;
                    return Ok(Once::Done(Checked::Busy { until: now }));
                };
                let answer = row.conclude_check(right, now);
                ledger.conclude_check(&row)?;
                if right {
                    ledger.give_back(application, verification)?;
                }
                answer
            }
        }
    };
    let answer = Checked::Answer { verification, answer };
    replay::keep(ledger, checking.idempotency, &answer, now)?;
    Ok(Once::Done(answer))
}

//! Ending a verification at the application's word, and handing the proof of an approved one over, once.

use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    id::VerificationId,
    ports::store::{Canceled, Redeemed},
    purpose::Purpose,
    verification::Status,
};

use super::Ledger;
use crate::error::Result;

/// Ends a pending verification.
pub(crate) fn cancel<L: Ledger>(
    ledger: &mut L,
    application: ApplicationId,
    id: VerificationId,
    now: Timestamp,
) -> Result<Canceled> {
    ledger.see(now);
    let Some(mut row) = ledger.verification(application, id)? else { return Ok(Canceled::NotFound) };
    if !row.cancel(now) {
        return Ok(match row.status_at(now) {
            Status::Canceled => Canceled::Canceled,
            ended => Canceled::Ended(ended),
        });
    }
    ledger.cancel(&row)?;
    Ok(Canceled::Canceled)
}

/// Hands the proof over.
pub(crate) fn redeem<L: Ledger>(
    ledger: &mut L,
    application: ApplicationId,
    id: VerificationId,
    expected: Option<&Purpose>,
    now: Timestamp,
) -> Result<Redeemed> {
    ledger.see(now);
    let Some(mut row) = ledger.verification(application, id)? else { return Ok(Redeemed::NotFound) };
    if expected.is_some_and(|expected| *expected != row.purpose) {
        return Ok(Redeemed::OtherPurpose);
    }
    if let Err(refused) = row.redeem(now) {
        return Ok(Redeemed::Refused(refused));
    }
    ledger.redeem(&row)?;
    let attempts = ledger.attempts(application, id)?;
    let handed_over = attempts.iter().filter(|attempt| attempt.state.may_have_reached());
    let weakest = handed_over.map(|attempt| attempt.channel).min();
    Ok(Redeemed::Redeemed { verification: Box::new(row), weakest })
}

//! Ending a verification at the application's word, and handing the proof of an approved one over, once.

use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    id::VerificationId,
    ports::store::{Canceled, Redeemed},
    purpose::Purpose,
    verification::Status,
};
use rusqlite::params;

use super::{lookups, writer::Unit};
use crate::error::Result;

/// Ends a pending verification.
pub(super) fn cancel(
    unit: &mut Unit,
    application: ApplicationId,
    id: VerificationId,
    now: Timestamp,
) -> Result<Canceled> {
    unit.memory.see(now);
    let Some(mut row) = lookups::verification(&unit.connection, application, id)? else {
        return Ok(Canceled::NotFound);
    };
    if !row.cancel(now) {
        return Ok(match row.status_at(now) {
            Status::Canceled => Canceled::Canceled,
            ended => Canceled::Ended(ended),
        });
    }
    let changed = unit
        .connection
        .prepare_cached(
            "UPDATE verifications SET status = 'canceled', custom_code = NULL \
             WHERE application_id = ?1 AND id = ?2 AND status = 'pending'",
        )?
        .execute(params![application.0, id.to_string()])?;
    lookups::one(changed, "canceling")?;
    unit.memory.end(application, row.recipient, id);
    Ok(Canceled::Canceled)
}

/// Hands the proof over.
pub(super) fn redeem(
    unit: &mut Unit,
    application: ApplicationId,
    id: VerificationId,
    expected: Option<&Purpose>,
    now: Timestamp,
) -> Result<Redeemed> {
    unit.memory.see(now);
    let Some(mut row) = lookups::verification(&unit.connection, application, id)? else {
        return Ok(Redeemed::NotFound);
    };
    if expected.is_some_and(|expected| *expected != row.purpose) {
        return Ok(Redeemed::OtherPurpose);
    }
    if let Err(refused) = row.redeem(now) {
        return Ok(Redeemed::Refused(refused));
    }
    let changed = unit
        .connection
        .prepare_cached(
            "UPDATE verifications SET redeemed_at = ?3 \
             WHERE application_id = ?1 AND id = ?2 AND status = 'approved' AND redeemed_at IS NULL",
        )?
        .execute(params![application.0, id.to_string(), now.as_millis()])?;
    lookups::one(changed, "redeeming")?;
    let attempts = lookups::attempts(&unit.connection, application, id)?;
    let handed_over = attempts.iter().filter(|attempt| attempt.state.may_have_reached());
    let weakest = handed_over.map(|attempt| attempt.channel).min();
    Ok(Redeemed::Redeemed { verification: Box::new(row), weakest })
}

//! The writer as the place of [`Receipts`], and what people told us to stop.

use backstop_domain::{
    application::ApplicationId,
    attempt::Attempt,
    channel::Channel,
    clock::Timestamp,
    delivery::{DeliveryState, Lease},
    id::VerificationId,
    keyring::LookupHash,
    receipt::{AttemptReference, InboundWord},
};
use rusqlite::{named_params, params};

use super::{lookups, writer::Unit};
use crate::{
    acts::{DeliveryKey, Receipts},
    error::{Result, internal},
    fields::Fields,
};

impl Receipts for Unit {
    fn by_handle(&self, provider: &str, handle: &str) -> Result<Option<AttemptReference>> {
        let mut query = self.connection.prepare_cached(
            "SELECT provider, handle, application_id, verification_id, attempt_id FROM open_attempts \
             WHERE provider = ?1 AND handle = ?2",
        )?;
        let mut found = query.query_and_then(params![provider, handle], |row| -> Result<_> {
            let mut fields = Fields::after_key(row, "open_attempts", 2);
            Ok(AttemptReference {
                application: ApplicationId(fields.take("application_id")?),
                verification: fields.parsed("verification_id")?,
                attempt: fields.parsed("attempt_id")?,
            })
        })?;
        found.next().transpose()
    }

    fn attempts_in_full(&self, application: ApplicationId, of: VerificationId) -> Result<Vec<Attempt>> {
        lookups::attempts(&self.connection, application, of)
    }

    fn waits(&self, application: ApplicationId, id: VerificationId, now: Timestamp) -> Result<bool> {
        lookups::waits(&self.connection, application, id, now)
    }

    fn put(&mut self, attempt: &Attempt, told_at: Option<Timestamp>) -> Result<()> {
        let rejection = attempt.rejection.as_ref().map(serde_json::to_string).transpose();
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE attempts SET state = :state, outcome = :outcome, rejection = :rejection, price = :price, \
                 receipt = :receipt, receipt_at = coalesce(:told_at, receipt_at), finished_at = :finished_at \
                 WHERE application_id = :application AND verification_id = :verification AND id = :id",
            )?
            .execute(named_params! {
                ":application": attempt.application.0,
                ":verification": attempt.verification.to_string(),
                ":id": attempt.id.to_string(),
                ":state": attempt.state.as_str(),
                ":outcome": attempt.outcome,
                ":rejection": rejection.map_err(|error| internal(error.to_string()))?,
                ":price": attempt.price,
                ":receipt": attempt.receipt,
                ":told_at": told_at.map(Timestamp::as_millis),
                ":finished_at": attempt.finished_at.map(Timestamp::as_millis),
            })?;
        lookups::one(changed, "noting a receipt")
    }

    fn reopen(&mut self, (application, verification, id): DeliveryKey, lease: Lease) -> Result<()> {
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE deliveries SET state = ?4, lease_holder = ?5, lease_until = ?6 \
                 WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
            )?
            .execute(params![
                application.0,
                verification.to_string(),
                id.to_string(),
                DeliveryState::Queued.as_str(),
                lease.holder.to_string(),
                lease.until.as_millis()
            ])?;
        lookups::one(changed, "opening a delivery again")
    }
}

/// Keeps that a person told us to stop, or to go on, over a channel.
pub(super) fn heed(
    unit: &mut Unit,
    recipient: LookupHash,
    channel: Channel,
    word: InboundWord,
    now: Timestamp,
) -> Result<()> {
    unit.memory.see(now);
    let connection = &unit.connection;
    match word {
        InboundWord::Stop => connection
            .prepare_cached(
                "INSERT INTO stops (recipient, channel, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![recipient.0, channel.as_str(), now.as_millis()])?,
        InboundWord::Start => connection
            .prepare_cached("DELETE FROM stops WHERE recipient = ?1 AND channel = ?2")?
            .execute(params![recipient.0, channel.as_str()])?,
    };
    Ok(())
}

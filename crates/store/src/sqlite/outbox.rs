//! The writer as an [`Outbox`]: each step is a prepared statement.

use std::time::Duration;

use backstop_domain::{
    attempt::AttemptState,
    clock::Timestamp,
    delivery::{DeliveryState, Lease},
    limit::PaceBook,
    plan::MAX_MESSAGES,
    ports::store::{AttemptResult, NewAttempt},
    receipt::AttemptReference,
};
use rusqlite::{named_params, params};

use super::{inserts, lookups, paces, writer::Unit};
use crate::{
    acts::{DeliveryKey, Outbox, Standing, nobody, receipts::is_handle},
    error::{Result, internal},
    fields::Fields,
};

impl Outbox for Unit {
    fn see(&mut self, now: Timestamp) {
        self.memory.see(now);
    }

    fn standing(&self, new: &NewAttempt) -> Result<Option<Standing>> {
        let mut query = self.connection.prepare_cached(
            "SELECT d.application_id, d.verification_id, d.id, d.lease_until, \
             ifnull(v.status = 'pending' AND v.expires_at > ?5, 0) AND (SELECT count(*) FROM attempts a \
             WHERE a.application_id = ?1 AND a.verification_id = ?2 AND a.state <> 'rejected') < ?6 \
             FROM deliveries d LEFT JOIN verifications v \
             ON v.application_id = d.application_id AND v.id = d.verification_id \
             WHERE d.application_id = ?1 AND d.verification_id = ?2 AND d.id = ?3 AND d.lease_holder = ?4",
        )?;
        let key = params![
            new.application.0,
            new.verification.to_string(),
            new.delivery.to_string(),
            new.lease.holder.to_string(),
            new.now.as_millis(),
            MAX_MESSAGES as i64
        ];
        let mut found = query.query_and_then(key, |row| -> Result<Standing> {
            let mut fields = Fields::after_key(row, "deliveries", 3);
            Ok(Standing { leased_until: fields.moment("lease_until")?, may_send: fields.take("may_send")? })
        })?;
        found.next().transpose()
    }

    fn attempt_state(&self, of: &AttemptResult) -> Result<Option<AttemptState>> {
        let mut query = self.connection.prepare_cached(
            "SELECT application_id, verification_id, id, state FROM attempts \
             WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
        )?;
        let key = params![of.application.0, of.verification.to_string(), of.id.to_string()];
        let mut found =
            query.query_and_then(key, |row| Fields::after_key(row, "attempts", 3).parsed("state"))?;
        found.next().transpose()
    }

    fn states(&self, (application, verification, id): DeliveryKey) -> Result<Vec<AttemptState>> {
        let mut query = self.connection.prepare_cached(
            "SELECT application_id, verification_id, id, state FROM attempts \
             WHERE application_id = ?1 AND verification_id = ?2 AND delivery_id = ?3",
        )?;
        let key = params![application.0, verification.to_string(), id.to_string()];
        query.query_and_then(key, |row| Fields::after_key(row, "attempts", 3).parsed("state"))?.collect()
    }

    fn delivery(
        &self,
        (application, verification, id): DeliveryKey,
    ) -> Result<Option<(DeliveryState, Option<Lease>)>> {
        let mut query = self.connection.prepare_cached(
            "SELECT application_id, verification_id, id, state, lease_holder, lease_until FROM deliveries \
             WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
        )?;
        let key = params![application.0, verification.to_string(), id.to_string()];
        let mut found = query.query_and_then(key, |row| -> Result<_> {
            let mut fields = Fields::after_key(row, "deliveries", 3);
            let state = fields.parsed("state")?;
            let holder = fields.parsed_if_any("lease_holder")?;
            let until = fields.moment_if_any("lease_until")?;
            Ok((state, holder.zip(until).map(|(holder, until)| Lease { holder, until })))
        })?;
        found.next().transpose()
    }

    fn places(&self, provider: &str, span: Duration) -> Result<PaceBook> {
        paces::read(&self.connection, provider, span)
    }

    fn keep_places(&mut self, provider: &str, span: Duration, book: PaceBook) -> Result<()> {
        paces::write(&self.connection, provider, span, &book)
    }

    fn add_attempt(&mut self, new: &NewAttempt) -> Result<()> {
        inserts::attempt(&self.connection, new)
    }

    fn renew(&mut self, (application, verification, id): DeliveryKey, lease: Lease) -> Result<bool> {
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE deliveries SET lease_until = ?5 \
                 WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3 AND lease_holder = ?4",
            )?
            .execute(params![
                application.0,
                verification.to_string(),
                id.to_string(),
                lease.holder.to_string(),
                lease.until.as_millis()
            ])?;
        Ok(changed == 1)
    }

    fn settle(&mut self, result: &AttemptResult, response: Option<String>) -> Result<()> {
        let rejection = result.rejection.as_ref().map(serde_json::to_string).transpose();
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE attempts SET state = :state, outcome = :outcome, rejection = :rejection, \
                 vendor_id = coalesce(:vendor_id, vendor_id), vendor_response = coalesce(:response, vendor_response), \
                 price = coalesce(price, :price), finished_at = :now \
                 WHERE application_id = :application AND verification_id = :verification AND id = :id",
            )?
            .execute(named_params! {
                ":application": result.application.0,
                ":verification": result.verification.to_string(),
                ":id": result.id.to_string(),
                ":state": result.state.as_str(),
                ":outcome": result.outcome,
                ":rejection": rejection.map_err(|error| internal(error.to_string()))?,
                ":vendor_id": result.vendor_id,
                ":response": response,
                ":price": result.price,
                ":now": result.now.as_millis(),
            })?;
        lookups::one(changed, "settling an attempt")
    }

    fn keep_words(&mut self, result: &AttemptResult, response: Option<String>) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE attempts SET vendor_response = coalesce(?4, vendor_response), \
                 vendor_id = coalesce(vendor_id, ?5), price = coalesce(price, ?6) \
                 WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
            )?
            .execute(params![
                result.application.0,
                result.verification.to_string(),
                result.id.to_string(),
                response,
                result.vendor_id,
                result.price
            ])?;
        Ok(())
    }

    fn keep_handles(&mut self, result: &AttemptResult) -> Result<()> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO open_attempts (provider, handle, application_id, verification_id, attempt_id, at) \
             SELECT provider, ?4, application_id, verification_id, id, ?5 FROM attempts \
             WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3 \
             ON CONFLICT (provider, handle) DO UPDATE SET application_id = excluded.application_id, \
             verification_id = excluded.verification_id, attempt_id = excluded.attempt_id, at = excluded.at",
        )?;
        for handle in result.handles.iter().filter(|handle| is_handle(handle)) {
            insert.execute(params![
                result.application.0,
                result.verification.to_string(),
                result.id.to_string(),
                handle,
                result.now.as_millis()
            ])?;
        }
        Ok(())
    }

    fn opt_out(&mut self, of: AttemptReference, at: Timestamp) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO opt_outs (application_id, recipient, provider, at) \
                 SELECT v.application_id, v.recipient, a.provider, ?4 FROM attempts a JOIN verifications v \
                 ON v.application_id = a.application_id AND v.id = a.verification_id \
                 WHERE a.application_id = ?1 AND a.verification_id = ?2 AND a.id = ?3 \
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                of.application.0,
                of.verification.to_string(),
                of.attempt.to_string(),
                at.as_millis()
            ])?;
        Ok(())
    }

    fn end(
        &mut self,
        (application, verification, id): DeliveryKey,
        state: DeliveryState,
        rests_until: Option<Timestamp>,
    ) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET state = ?4, \
                 lease_holder = CASE WHEN EXISTS (SELECT 1 FROM attempts a WHERE a.application_id = ?1 \
                 AND a.verification_id = ?2 AND a.delivery_id = ?3 AND a.state = 'sending') THEN lease_holder ELSE ?5 END, \
                 lease_until = CASE WHEN EXISTS (SELECT 1 FROM attempts a WHERE a.application_id = ?1 \
                 AND a.verification_id = ?2 AND a.delivery_id = ?3 AND a.state = 'sending') THEN lease_until ELSE ?6 END \
                 WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
            )?
            .execute(params![
                application.0,
                verification.to_string(),
                id.to_string(),
                state.as_str(),
                rests_until.map(|_| nobody().to_string()),
                rests_until.map(Timestamp::as_millis)
            ])?;
        Ok(())
    }
}

//! The writer as a [`Ledger`]: each step is a prepared statement and a change of the memory.

use backstop_domain::{
    application::ApplicationId,
    attempt::Attempt,
    clock::Timestamp,
    id::VerificationId,
    keyring::LookupHash,
    limit::{Bucket, LimitExceeded, Rule},
    ports::store::{NewAttempt, OptOuts},
    verification::{Status, Verification},
};
use rusqlite::params;

use super::{inserts, lookups, writer::Unit};
use crate::{
    acts::{Charged, Ledger, TakenCheck},
    error::Result,
    memory::{Memory, Remembered},
    words,
};

impl Ledger for Unit {
    fn memory(&self) -> &Memory {
        &self.memory
    }

    fn see(&mut self, now: Timestamp) {
        self.memory.see(now);
    }

    fn charge(
        &mut self,
        rules: &[Rule],
        public: bool,
        now: Timestamp,
    ) -> std::result::Result<(), LimitExceeded> {
        self.memory.charge(rules, public, now)
    }

    fn give_back(&mut self, application: ApplicationId, verification: VerificationId) -> Result<()> {
        let mut find = self.connection.prepare_cached(
            "SELECT network, created_at FROM deliveries WHERE application_id = ?1 AND verification_id = ?2 \
             AND network IS NOT NULL AND given_back = 0",
        )?;
        let given: Vec<([u8; 16], i64)> = find
            .query_map(params![application.0, verification.to_string()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        if !given.is_empty() {
            self.connection
                .prepare_cached(
                    "UPDATE deliveries SET given_back = 1 WHERE application_id = ?1 AND verification_id = ?2 \
                     AND network IS NOT NULL",
                )?
                .execute(params![application.0, verification.to_string()])?;
        }
        for (network, at) in given {
            let bucket = Bucket::Network(application, LookupHash(network));
            self.memory.give_back(bucket, Timestamp::from_millis(at));
        }
        Ok(())
    }

    fn remember(&mut self, key: LookupHash, remembered: Remembered) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO idempotency (at, key, body, answer) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![remembered.at.as_millis(), key.0, remembered.body.0, remembered.answer])?;
        self.memory.remember(key, remembered);
        Ok(())
    }

    fn verification(&self, application: ApplicationId, id: VerificationId) -> Result<Option<Verification>> {
        lookups::verification(&self.connection, application, id)
    }

    fn latest_delivery(&self, application: ApplicationId, of: VerificationId) -> Result<Option<Timestamp>> {
        lookups::latest_delivery(&self.connection, application, of)
    }

    fn attempts(&self, application: ApplicationId, of: VerificationId) -> Result<Vec<Attempt>> {
        lookups::attempts(&self.connection, application, of)
    }

    fn opted_out(&self, application: ApplicationId, recipient: LookupHash) -> Result<OptOuts> {
        lookups::opted_out(&self.connection, application, recipient)
    }

    fn add_verification(&mut self, row: &Verification) -> Result<()> {
        inserts::verification(&self.connection, row)?;
        if row.status == Status::Pending {
            self.memory.add(row);
        }
        Ok(())
    }

    fn add_delivery(&mut self, row: Charged) -> Result<()> {
        inserts::delivery(&self.connection, &row)
    }

    fn add_first_attempt(&mut self, new: &NewAttempt) -> Result<()> {
        inserts::attempt(&self.connection, new)
    }

    fn take_check(&mut self, row: &Verification, check: TakenCheck) -> Result<()> {
        let key = (row.application.0, row.id.to_string());
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE verifications SET status = ?3, checks_used = ?4, approved_at = ?5, checking = ?6, \
                 custom_code = CASE ?3 WHEN 'pending' THEN custom_code END \
                 WHERE application_id = ?1 AND id = ?2 AND status = 'pending' AND checks_used = ?4 - 1",
            )?
            .execute(params![
                key.0,
                key.1,
                row.status.as_str(),
                row.checks_used,
                row.approved_at.map(Timestamp::as_millis),
                row.checking.map(|checking| checking.to_bytes()),
            ])?;
        lookups::one(changed, "counting a check")?;
        self.connection
            .prepare_cached(
                "INSERT INTO checks (application_id, verification_id, number, at, recipient, public, charged, \
                 verdict) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                key.0,
                key.1,
                row.checks_used,
                check.at.as_millis(),
                row.recipient.0,
                check.public,
                check.charged,
                words::verdict(check.verdict),
            ])?;
        if row.status != Status::Pending {
            self.memory.end(row.application, row.recipient, row.id);
        }
        Ok(())
    }

    fn mark_check(&mut self, row: &Verification) -> Result<()> {
        self.judge_check(row, "marking a check")
    }

    fn conclude_check(&mut self, row: &Verification) -> Result<()> {
        self.judge_check(row, "concluding a check")?;
        if row.status == Status::Approved {
            let changed = self
                .connection
                .prepare_cached(
                    "UPDATE checks SET verdict = 'right' \
                     WHERE application_id = ?1 AND verification_id = ?2 AND number = ?3",
                )?
                .execute(params![row.application.0, row.id.to_string(), row.checks_used])?;
            lookups::one(changed, "finding a check right")?;
        }
        if row.status != Status::Pending {
            self.memory.end(row.application, row.recipient, row.id);
        }
        Ok(())
    }

    fn cancel(&mut self, row: &Verification) -> Result<()> {
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE verifications SET status = 'canceled', custom_code = NULL, checking = NULL \
                 WHERE application_id = ?1 AND id = ?2 AND status = 'pending'",
            )?
            .execute(params![row.application.0, row.id.to_string()])?;
        lookups::one(changed, "canceling")?;
        self.memory.end(row.application, row.recipient, row.id);
        Ok(())
    }

    fn redeem(&mut self, row: &Verification) -> Result<()> {
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE verifications SET redeemed_at = ?3 \
                 WHERE application_id = ?1 AND id = ?2 AND status = 'approved' AND redeemed_at IS NULL",
            )?
            .execute(params![
                row.application.0,
                row.id.to_string(),
                row.redeemed_at.map(Timestamp::as_millis)
            ])?;
        lookups::one(changed, "redeeming")
    }
}

impl Unit {
    /// Writes what is known of the check that was counted last.
    fn judge_check(&self, row: &Verification, what: &'static str) -> Result<()> {
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE verifications SET status = ?3, approved_at = ?5, checking = ?6 \
                 WHERE application_id = ?1 AND id = ?2 AND status = 'pending' AND checks_used = ?4",
            )?
            .execute(params![
                row.application.0,
                row.id.to_string(),
                row.status.as_str(),
                row.checks_used,
                row.approved_at.map(Timestamp::as_millis),
                row.checking.map(|checking| checking.to_bytes()),
            ])?;
        lookups::one(changed, what)
    }
}

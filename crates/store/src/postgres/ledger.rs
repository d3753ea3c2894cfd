//! A batch as a [`Ledger`]: the rows that its acts need, in memory, and what they have made of them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
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

pub(super) use self::needs::{Needs, VerificationKey};
use super::{
    buckets::{self, BucketRow, Key},
    lane::Draft,
    session::Session,
    trace::Trace,
};
use crate::{
    acts::{Charged, Ledger, TakenCheck},
    batch::Ground,
    error::{Result, internal},
    memory::{Live, Memory, Remembered},
};

pub(super) mod load;
mod needs;
pub(super) mod write;

/// See the module.
#[derive(Default)]
pub(super) struct LedgerDraft {
    trace: Trace,
    now: Timestamp,
    changes: u64,
    memory: Memory,
    /// Idempotency keys that were locked and have no answer yet.
    unanswered: Vec<LookupHash>,
    /// Locked rows, by key.
    buckets: BTreeMap<Key, BucketRow>,
    /// Verifications as they stand after the acts that ran.
    rows: BTreeMap<VerificationKey, Verification>,
    latest: BTreeMap<VerificationKey, Timestamp>,
    networks: BTreeMap<VerificationKey, Vec<(LookupHash, Timestamp)>>,
    attempts: BTreeMap<VerificationKey, Vec<Attempt>>,
    opt_outs: BTreeMap<(ApplicationId, LookupHash), OptOuts>,
    new: New,
}

/// What is to be written.
#[derive(Default)]
struct New {
    verifications: BTreeSet<VerificationKey>,
    deliveries: Vec<Charged>,
    attempts: Vec<NewAttempt>,
    checks: Vec<(VerificationKey, u32, LookupHash, TakenCheck)>,
    /// Checks that were written before and that a vendor found right.
    right: Vec<(VerificationKey, u32)>,
    answers: BTreeMap<LookupHash, Remembered>,
    /// Verifications that were read and changed, with what they were.
    changed: BTreeMap<VerificationKey, Was>,
    /// Verifications whose networks' charges are returned, and those charges by row.
    given_back: Vec<VerificationKey>,
    returned: BTreeMap<Key, Vec<Timestamp>>,
}

/// What the row must still be for a change to be written.
#[derive(Debug, Clone, Copy)]
struct Was {
    status: Status,
    checks_used: u32,
    redeemed: bool,
}

impl LedgerDraft {
    fn bucket(&mut self, key: Key) -> &mut BucketRow {
        self.buckets.entry(key).or_default()
    }

    /// Notes a change of a row that was read.
    fn change(&mut self, row: &Verification) -> Result<()> {
        self.changes += 1;
        let key = (row.application, row.id);
        let Some(before) = self.rows.insert(key, row.clone()) else {
            return Err(internal("a verification was changed that was not read").into());
        };
        if !self.new.verifications.contains(&key) {
            self.new.changed.entry(key).or_insert(Was {
                status: before.status,
                checks_used: before.checks_used,
                redeemed: before.redeemed_at.is_some(),
            });
        }
        if before.status == Status::Pending && row.status != Status::Pending {
            self.memory.end(row.application, row.recipient, row.id);
            self.bucket(buckets::recipient(row.recipient)).end(row.application, row.id);
        }
        Ok(())
    }
}

#[async_trait]
impl Draft for LedgerDraft {
    type Needs = Needs;

    async fn load(session: &mut Session, needs: &[&Needs]) -> Result<Self> {
        load::load(session, needs).await
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }

    async fn commit(self, session: &mut Session) -> Result<()> {
        write::commit(self, session).await
    }
}

impl Ground for LedgerDraft {
    fn mark(&self) -> u64 {
        self.changes
    }
}

impl Ledger for LedgerDraft {
    fn memory(&self) -> &Memory {
        &self.memory
    }

    fn see(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    fn charge(
        &mut self,
        rules: &[Rule],
        public: bool,
        now: Timestamp,
    ) -> std::result::Result<(), LimitExceeded> {
        self.memory.charge(rules, public, now)?;
        self.changes += 1;
        for (key, charge) in buckets::charges(rules, public, now) {
            self.bucket(key).charge(&charge);
        }
        Ok(())
    }

    fn give_back(&mut self, application: ApplicationId, verification: VerificationId) -> Result<()> {
        let key = (application, verification);
        let networks = self.networks.remove(&key).unwrap_or_default();
        if !networks.is_empty() {
            self.changes += 1;
            self.new.given_back.push(key);
        }
        for (network, at) in networks {
            let row = buckets::row_of(&Bucket::Network(application, network));
            self.new.returned.entry(row).or_default().push(at);
        }
        Ok(())
    }

    fn remember(&mut self, key: LookupHash, remembered: Remembered) -> Result<()> {
        self.changes += 1;
        self.memory.remember(key, remembered.clone());
        self.new.answers.insert(key, remembered);
        Ok(())
    }

    fn verification(&self, application: ApplicationId, id: VerificationId) -> Result<Option<Verification>> {
        Ok(self.rows.get(&(application, id)).cloned())
    }

    fn latest_delivery(&self, application: ApplicationId, of: VerificationId) -> Result<Option<Timestamp>> {
        Ok(self.latest.get(&(application, of)).copied())
    }

    fn attempts(&self, application: ApplicationId, of: VerificationId) -> Result<Vec<Attempt>> {
        Ok(self.attempts.get(&(application, of)).cloned().unwrap_or_default())
    }

    fn opted_out(&self, application: ApplicationId, recipient: LookupHash) -> Result<OptOuts> {
        Ok(self.opt_outs.get(&(application, recipient)).cloned().unwrap_or_default())
    }

    fn add_verification(&mut self, row: &Verification) -> Result<()> {
        self.changes += 1;
        let key = (row.application, row.id);
        if row.status == Status::Pending {
            self.memory.add(row);
            let live = Live::of(row);
            self.bucket(buckets::recipient(row.recipient)).add_live(row.application, &live, row.created_at);
        }
        if self.rows.insert(key, row.clone()).is_some() {
            return Err(internal("a verification was to be written twice").into());
        }
        self.new.verifications.insert(key);
        Ok(())
    }

    fn add_delivery(&mut self, row: Charged) -> Result<()> {
        self.changes += 1;
        let latest = self.latest.entry((row.application, row.verification)).or_insert(row.at);
        *latest = (*latest).max(row.at);
        self.new.deliveries.push(row);
        Ok(())
    }

    fn add_first_attempt(&mut self, new: &NewAttempt) -> Result<()> {
        self.changes += 1;
        self.new.attempts.push(new.clone());
        Ok(())
    }

    fn take_check(&mut self, row: &Verification, check: TakenCheck) -> Result<()> {
        self.change(row)?;
        let key = (row.application, row.id);
        self.new.checks.push((key, row.checks_used, row.recipient, check));
        Ok(())
    }

    fn mark_check(&mut self, row: &Verification) -> Result<()> {
        self.change(row)
    }

    fn conclude_check(&mut self, row: &Verification) -> Result<()> {
        self.change(row)?;
        if row.status == Status::Approved {
            self.new.right.push(((row.application, row.id), row.checks_used));
        }
        Ok(())
    }

    fn cancel(&mut self, row: &Verification) -> Result<()> {
        self.change(row)
    }

    fn redeem(&mut self, row: &Verification) -> Result<()> {
        self.change(row)
    }
}

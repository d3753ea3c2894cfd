//! A batch as an [`Outbox`]: the deliveries and attempts that its acts need, in memory, and what they have made of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use backstop_domain::{
    attempt::AttemptState,
    clock::Timestamp,
    delivery::{DeliveryState, Lease},
    id::{AttemptId, DeliveryId},
    limit::PaceBook,
    plan::MAX_MESSAGES,
    ports::store::{AttemptResult, NewAttempt},
    receipt::AttemptReference,
    verification::Status,
};

pub(super) use self::needs::Needs;
use super::{
    buckets::{self, Key},
    lane::Draft,
    ledger::VerificationKey,
    session::Session,
    spending::Money,
    trace::Trace,
};
use crate::{
    acts::{DeliveryKey, Outbox, Standing, held_by, nobody, receipts::is_handle},
    batch::Ground,
    error::{Result, internal},
};

pub(super) mod load;
mod needs;
pub(super) mod receipts;
pub(super) mod write;

/// See the module.
#[derive(Default)]
pub(super) struct OutboxDraft {
    trace: Trace,
    now: Timestamp,
    changes: u64,
    deliveries: BTreeMap<DeliveryKey, (DeliveryState, Option<Lease>)>,
    verifications: BTreeMap<VerificationKey, (Status, Timestamp)>,
    attempts: BTreeMap<VerificationKey, BTreeMap<AttemptId, (DeliveryId, AttemptState)>>,
    paces: BTreeMap<Key, PaceBook>,
    told: receipts::Told,
    pub(super) money: Money,
    new: New,
}

/// What is to be written.
#[derive(Default)]
struct New {
    attempts: Vec<NewAttempt>,
    numbers: Vec<u32>,
    settled: BTreeMap<(VerificationKey, AttemptId), Settled>,
    words: BTreeMap<(VerificationKey, AttemptId), Words>,
    handles: Vec<(VerificationKey, AttemptId, String, Timestamp)>,
    opt_outs: Vec<(VerificationKey, AttemptId, Timestamp)>,
    deliveries: BTreeSet<DeliveryKey>,
    paces: BTreeSet<Key>,
}

/// An answer that moved an attempt forward.
#[derive(Debug, Clone)]
struct Settled {
    state: AttemptState,
    outcome: String,
    rejection: Option<String>,
    vendor_id: Option<String>,
    response: Option<String>,
    price: Option<String>,
    at: Timestamp,
}

/// What is kept of an answer that moved nothing.
#[derive(Debug, Clone, Default)]
struct Words {
    response: Option<String>,
    vendor_id: Option<String>,
    price: Option<String>,
}

impl OutboxDraft {
    /// Notes that something was changed.
    pub(super) fn change(&mut self) {
        self.changes += 1;
    }

    fn attempts_of(&self, key: VerificationKey) -> impl Iterator<Item = &(DeliveryId, AttemptState)> {
        self.attempts.get(&key).into_iter().flat_map(BTreeMap::values)
    }
}

#[async_trait]
impl Draft for OutboxDraft {
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

impl Ground for OutboxDraft {
    fn mark(&self) -> u64 {
        self.changes
    }
}

impl Outbox for OutboxDraft {
    fn see(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    fn standing(&self, new: &NewAttempt) -> Result<Option<Standing>> {
        let key = (new.application, new.verification);
        let Some((_, Some(lease))) = self.deliveries.get(&(key.0, key.1, new.delivery)) else {
            return Ok(None);
        };
        if lease.holder != new.lease.holder {
            return Ok(None);
        }
        let pending = self
            .verifications
            .get(&key)
            .is_some_and(|(status, expires_at)| *status == Status::Pending && *expires_at > new.now);
        let messages = self.attempts_of(key).filter(|(_, state)| *state != AttemptState::Rejected).count();
        Ok(Some(Standing { leased_until: lease.until, may_send: pending && messages < MAX_MESSAGES }))
    }

    fn attempt_state(&self, of: &AttemptResult) -> Result<Option<AttemptState>> {
        let attempts = self.attempts.get(&(of.application, of.verification));
        Ok(attempts.and_then(|attempts| attempts.get(&of.id)).map(|(_, state)| *state))
    }

    fn states(&self, of: DeliveryKey) -> Result<Vec<AttemptState>> {
        let attempts = self.attempts_of((of.0, of.1)).filter(|(delivery, _)| *delivery == of.2);
        Ok(attempts.map(|(_, state)| *state).collect())
    }

    fn delivery(&self, key: DeliveryKey) -> Result<Option<(DeliveryState, Option<Lease>)>> {
        Ok(self.deliveries.get(&key).copied())
    }

    fn places(&self, provider: &str, span: Duration) -> Result<PaceBook> {
        Ok(self.paces.get(&buckets::pace(provider, span)).cloned().unwrap_or_default())
    }

    fn keep_places(&mut self, provider: &str, span: Duration, book: PaceBook) -> Result<()> {
        self.changes += 1;
        let key = buckets::pace(provider, span);
        self.new.paces.insert(key.clone());
        self.paces.insert(key, book);
        Ok(())
    }

    fn add_attempt(&mut self, new: &NewAttempt) -> Result<()> {
        self.changes += 1;
        let attempts = self.attempts.entry((new.application, new.verification)).or_default();
        let number = attempts.len() + 1;
        attempts.insert(new.id, (new.delivery, AttemptState::Sending));
        self.new.numbers.push(u32::try_from(number).unwrap_or(u32::MAX));
        self.new.attempts.push(new.clone());
        Ok(())
    }

    fn renew(&mut self, key: DeliveryKey, lease: Lease) -> Result<bool> {
        match self.deliveries.get_mut(&key) {
            Some((_, held)) if held_by(*held, lease.holder) => {
                *held = Some(lease);
                self.changes += 1;
                self.new.deliveries.insert(key);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn settle(&mut self, result: &AttemptResult, response: Option<String>) -> Result<()> {
        self.changes += 1;
        let verification = (result.application, result.verification);
        let attempts = self.attempts.entry(verification).or_default();
        attempts.entry(result.id).and_modify(|(_, state)| *state = result.state);
        let rejection = result.rejection.as_ref().map(serde_json::to_string).transpose();
        let words = self.new.words.remove(&(verification, result.id));
        let before = self.new.settled.remove(&(verification, result.id));
        let before =
            before.map(|was| Words { response: was.response, vendor_id: was.vendor_id, price: was.price });
        let kept = before.or(words).unwrap_or_default();
        let settled = Settled {
            state: result.state,
            outcome: result.outcome.clone(),
            rejection: rejection.map_err(|error| internal(error.to_string()))?,
            vendor_id: result.vendor_id.clone().or(kept.vendor_id),
            response: response.or(kept.response),
            price: result.price.clone().or(kept.price),
            at: result.now,
        };
        self.new.settled.insert((verification, result.id), settled);
        Ok(())
    }

    fn keep_words(&mut self, result: &AttemptResult, response: Option<String>) -> Result<()> {
        self.changes += 1;
        let key = ((result.application, result.verification), result.id);
        let (vendor_id, price) = (result.vendor_id.clone(), result.price.clone());
        if let Some(settled) = self.new.settled.get_mut(&key) {
            settled.response = response.or(settled.response.take());
            settled.vendor_id = settled.vendor_id.take().or(vendor_id);
            settled.price = settled.price.take().or(price);
            return Ok(());
        }
        let words = self.new.words.entry(key).or_default();
        words.response = response.or(words.response.take());
        words.vendor_id = words.vendor_id.take().or(vendor_id);
        words.price = words.price.take().or(price);
        Ok(())
    }

    fn keep_handles(&mut self, result: &AttemptResult) -> Result<()> {
        self.changes += 1;
        let key = (result.application, result.verification);
        let handles = result.handles.iter().filter(|handle| is_handle(handle));
        self.new.handles.extend(handles.map(|handle| (key, result.id, handle.clone(), result.now)));
        Ok(())
    }

    fn opt_out(&mut self, of: AttemptReference, at: Timestamp) -> Result<()> {
        self.changes += 1;
        self.new.opt_outs.push(((of.application, of.verification), of.attempt, at));
        Ok(())
    }

    fn end(&mut self, key: DeliveryKey, state: DeliveryState, rests_until: Option<Timestamp>) -> Result<()> {
        self.changes += 1;
        let sending = self.states(key)?.contains(&AttemptState::Sending);
        let rest = rests_until.map(|until| Lease { holder: nobody(), until });
        if let Some(row) = self.deliveries.get_mut(&key) {
            *row = (state, if sending { row.1 } else { rest });
            self.new.deliveries.insert(key);
        }
        Ok(())
    }
}

//! What acts decide on beside the rows: charges by bucket, live verifications by recipient, answers by idempotency key.
//!
//! On SQLite the one writer keeps it for everybody, so that no hot table needs an index on random values; the rows hold
//! all of it too, and it is read back from them when the store opens and whenever a transaction was undone, so the two
//! never disagree for longer than one transaction. On PostgreSQL each batch fills one of its own from the rows that it
//! has locked. Whatever is walked through is kept sorted: two runs over the same acts do the same.

use std::{collections::BTreeMap, time::Duration};

use backstop_domain::{
    application::{ApplicationId, Authority},
    clock::Timestamp,
    id::VerificationId,
    keyring::LookupHash,
    limit::{Bucket, LIVE_VERIFICATIONS, LimitBook, LimitExceeded, LimitName, Rule},
    ports::store::IDEMPOTENCY_WINDOW,
    purpose::Purpose,
    verification::Verification,
};

/// How often what no window sees any more is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// A verification that waits for its code.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) id: VerificationId,
    pub(crate) purpose: Purpose,
    pub(crate) join: Option<LookupHash>,
    pub(crate) expires_at: Timestamp,
    pub(crate) authority: Authority,
}

impl Live {
    /// The parts of a verification that matter while it waits.
    pub(crate) fn of(row: &Verification) -> Self {
        Self {
            id: row.id,
            purpose: row.purpose.clone(),
            join: row.join,
            expires_at: row.expires_at,
            authority: row.authority,
        }
    }
}

/// An answer that an idempotency key gets again.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) body: LookupHash,
    pub(crate) answer: String,
    pub(crate) at: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    book: LimitBook,
    live: BTreeMap<(ApplicationId, LookupHash), Vec<Live>>,
    ends: BTreeMap<(Timestamp, ApplicationId, VerificationId), LookupHash>,
    answers: BTreeMap<LookupHash, Remembered>,
    seen: Timestamp,
    pruned: Timestamp,
    changes: u64,
}

impl Memory {
    /// An empty memory at `seen`.
    pub(crate) fn at(seen: Timestamp) -> Self {
        Self { seen, pruned: seen, ..Self::default() }
    }

    /// Notes the moment that a caller lives in.
    pub(crate) fn see(&mut self, now: Timestamp) {
        self.seen = self.seen.max(now);
    }

    /// The latest moment that any caller told.
    pub(crate) fn seen(&self) -> Timestamp {
        self.seen
    }

    /// A number that grows with every change.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Counts on from the changes of the memory that this one replaces.
    pub(crate) fn replace(&mut self, fresh: Self) {
        let changes = self.changes.saturating_add(1).saturating_add(fresh.changes);
        *self = Self { changes, ..fresh };
    }

    /// Charges all `rules`, or none of them.
    pub(crate) fn charge(
        &mut self,
        rules: &[Rule],
        public: bool,
        now: Timestamp,
    ) -> Result<(), LimitExceeded> {
        self.book.charge(rules, public, now)?;
        self.changes += 1;
        Ok(())
    }

    /// Enters a charge read from a row.
    pub(crate) fn record(&mut self, bucket: Bucket, public: bool, at: Timestamp) {
        self.changes += 1;
        self.book.record(bucket, public, at);
    }

    /// Gives a charge back.
    pub(crate) fn give_back(&mut self, bucket: Bucket, at: Timestamp) {
        self.changes += 1;
        self.book.give_back(bucket, at);
    }

    /// Takes in a verification that waits for its code.
    pub(crate) fn add(&mut self, row: &Verification) {
        self.add_live(row.application, row.recipient, Live::of(row));
    }

    /// Takes in a verification that waits for its code, from the few columns that matter here.
    pub(crate) fn add_live(&mut self, application: ApplicationId, recipient: LookupHash, live: Live) {
        self.changes += 1;
        self.ends.insert((live.expires_at, application, live.id), recipient);
        let of_recipient = self.live.entry((application, recipient)).or_default();
        let place = of_recipient.partition_point(|other| other.id <= live.id);
        of_recipient.insert(place, live);
    }

    /// Forgets a verification that ended.
    pub(crate) fn end(&mut self, application: ApplicationId, recipient: LookupHash, id: VerificationId) {
        self.changes += 1;
        let Some(of_recipient) = self.live.get_mut(&(application, recipient)) else { return };
        if let Some(place) = of_recipient.iter().position(|live| live.id == id) {
            let ended = of_recipient.remove(place);
            self.ends.remove(&(ended.expires_at, application, id));
        }
        if of_recipient.is_empty() {
            self.live.remove(&(application, recipient));
        }
    }

    /// The live verifications of a recipient, newest first.
    pub(crate) fn live(
        &self,
        application: ApplicationId,
        recipient: LookupHash,
        now: Timestamp,
    ) -> impl Iterator<Item = &Live> {
        let all = self.live.get(&(application, recipient)).map(Vec::as_slice).unwrap_or_default();
        all.iter().rev().filter(move |live| now < live.expires_at)
    }

    /// The live verification that an equal start from the same browser joins.
    pub(crate) fn joinable(&self, row: &Verification) -> Option<VerificationId> {
        let wanted = row.join?;
        let mut live = self.live(row.application, row.recipient, row.created_at);
        live.find(|live| live.join == Some(wanted) && live.purpose == row.purpose).map(|live| live.id)
    }

    /// Whether the recipient may have one more live verification of this purpose.
    ///
    /// # Errors
    /// When enough of them will have expired.
    pub(crate) fn room_for(&self, row: &Verification) -> Result<(), LimitExceeded> {
        let name = LimitName::LiveVerifications;
        let ends = |public_only: bool| {
            let of_recipient = self.live(row.application, row.recipient, row.created_at);
            let mut ends: Vec<Timestamp> = of_recipient
                .filter(|live| live.purpose == row.purpose && (!public_only || live.authority.is_public()))
                .map(|live| live.expires_at)
                .collect();
            ends.sort_unstable();
            ends
        };
        let full_until =
            |ends: &[Timestamp], max: usize| ends.len().checked_sub(max).map(|index| ends[index]);
        let whole = full_until(&ends(false), LIVE_VERIFICATIONS);
        let share = if row.authority.is_public() {
            let max = u32::try_from(LIVE_VERIFICATIONS).map_or(u32::MAX, |max| name.public_part(max));
            full_until(&ends(true), usize::try_from(max).unwrap_or(usize::MAX))
        } else {
            None
        };
        match whole.max(share) {
            None => Ok(()),
            Some(retry_at) => Err(LimitExceeded { limit: name, retry_at }),
        }
    }

    /// Those that ran out by `now`, the earliest first.
    pub(crate) fn run_out(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Vec<(ApplicationId, VerificationId, LookupHash)> {
        let out = self.ends.iter().take_while(|((end, ..), _)| *end <= now).take(limit);
        out.map(|((_, application, id), recipient)| (*application, *id, *recipient)).collect()
    }

    /// The answer that a key got within the last minute.
    pub(crate) fn remembered(&self, key: LookupHash, now: Timestamp) -> Option<&Remembered> {
        self.answers.get(&key).filter(|remembered| now.since(remembered.at) < IDEMPOTENCY_WINDOW)
    }

    /// Keeps the answer of a key for a minute.
    pub(crate) fn remember(&mut self, key: LookupHash, remembered: Remembered) {
        self.changes += 1;
        self.answers.insert(key, remembered);
    }

    /// Forgets what no window sees any more, once a minute. Between two transactions.
    pub(crate) fn prune_now_and_then(&mut self) {
        if self.seen.since(self.pruned) >= PRUNE_EVERY {
            self.prune();
        }
    }

    /// Forgets what no window sees any more.
    pub(crate) fn prune(&mut self) {
        let now = self.seen;
        self.pruned = now;
        self.book.prune(now);
        self.answers.retain(|_, remembered| now.since(remembered.at) < IDEMPOTENCY_WINDOW);
    }
}

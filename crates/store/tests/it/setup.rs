//! A world to test in: a store on some database, and rows for it made as the engine makes them.

mod rows;

use std::{
    future::Future,
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use backstop_domain::{
    application::ApplicationId,
    attempt::AttemptState,
    audit::NewRecord,
    clock::Timestamp,
    delivery::{DeliveryState, LEASE, Lease},
    id::{DeliveryId, NodeId, VerificationId},
    keyring::{KeyUse, Keyring, Kid, LookupHash, generate},
    limit::Limits,
    ports::{
        random::SeededRandom,
        store::{
            Begun, Checked, Deliveries as _, DeliveryTask, Idempotency, NewAttempt, NewReceipt,
            NewVerification, Noted, Once, Opened, Refusal, Store, StoreError, SubmittedCheck,
            VerificationView, Verifications as _, WrappedKey,
        },
    },
    verification::CheckAnswer,
};

pub(crate) const APP: ApplicationId = ApplicationId(1);
pub(crate) const OTHER_APP: ApplicationId = ApplicationId(2);
pub(crate) const ASHA: &str = "+919876543210";
pub(crate) const RAVI: &str = "+919876543211";

/// Seconds after the beginning of the tests' time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
}

/// A ring key at rest, of no meaning.
pub(crate) fn ring_key(kid: u32, key_use: KeyUse) -> WrappedKey {
    WrappedKey { kid: Kid(kid), key_use, wrapped: vec![7; 72], created_at: at(0) }
}

/// The record of something that happened then.
pub(crate) fn told(seconds: i64) -> NewRecord {
    NewRecord { at: at(seconds), body: format!(r#"{{"object":"{seconds}"}}"#), detail: None }
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Runs `act` on `count` threads that begin together.
pub(crate) fn together<T: Send>(count: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(count);
    let (act, barrier) = (&act, &barrier);
    thread::scope(|scope| {
        let run = |number| {
            move || {
                barrier.wait();
                act(number)
            }
        };
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(run(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// A database of a test's own, seen as another program would see it.
pub(crate) trait Database: Sized {
    type Store: Store;

    /// The SQL type of bytes.
    const BYTES: &'static str;

    /// An empty one.
    fn create() -> Self;

    /// A store on it.
    fn open(&self, now: Timestamp) -> Self::Store;

    fn execute(&self, sql: &str);

    /// Whether the database refuses to do this.
    fn refuses(&self, sql: &str) -> bool;

    /// Takes away what keeps the audit log from being changed, as whoever owns the database can.
    fn lift_the_guards(&self);

    /// The tables with a row that holds this text, in whatever column.
    fn tables_with(&self, text: &str) -> Vec<String>;

    /// The one number that a query answers.
    fn number(&self, sql: &str) -> i64;
}

/// A store and what is needed to fill it.
pub(crate) struct World<D: Database> {
    pub(crate) store: D::Store,
    pub(crate) ring: Arc<Keyring>,
    pub(crate) random: SeededRandom,
    pub(crate) node: NodeId,
    pub(crate) limits: Limits,
    pub(crate) database: D,
}

impl<D: Database> World<D> {
    pub(crate) fn new() -> Self {
        let random = SeededRandom::new(7);
        let keys =
            KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)));
        let ring = Arc::new(Keyring::new(keys).unwrap());
        let database = D::create();
        let store = database.open(at(0));
        let node = NodeId::new(at(0), &random);
        Self { store, ring, random, node, limits: Limits::default(), database }
    }

    /// With limits so high that only the named ones matter.
    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::new() }
    }

    /// Ends the store as a process would, and opens it anew.
    pub(crate) fn reopened(self, now: Timestamp) -> Self {
        let Self { store, ring, random, node, limits, database } = self;
        drop(store);
        let store = database.open(now);
        Self { store, ring, random, node, limits, database }
    }

    /// Changes rows behind the store's back.
    pub(crate) fn execute(&self, sql: &str) {
        self.database.execute(sql);
    }

    /// The SQL type of bytes.
    pub(crate) const fn bytes() -> &'static str {
        D::BYTES
    }

    /// Looks at the rows as another program would.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.database.number(sql)
    }

    pub(crate) fn recipient(&self, to: &str) -> LookupHash {
        self.ring.lookup("recipient", to.as_bytes())
    }

    pub(crate) fn hash(&self, text: &str) -> LookupHash {
        self.ring.lookup("test", text.as_bytes())
    }

    pub(crate) fn key(&self, key: &str, body: &str) -> Option<Idempotency> {
        Some(Idempotency { key: self.hash(key), body: self.hash(body) })
    }

    pub(crate) fn lease(&self, now: Timestamp) -> Lease {
        Lease { holder: self.node, until: now + LEASE }
    }

    pub(crate) fn another_node(&self, until: i64) -> Lease {
        Lease { holder: NodeId::new(at(0), &self.random), until: at(until) }
    }

    pub(crate) fn open(&self, new: &NewVerification) -> Once<Opened> {
        wait(self.store.open(new.clone())).unwrap()
    }

    /// Starts one that must succeed.
    pub(crate) fn start(&self, new: &NewVerification) -> (VerificationId, DeliveryId) {
        match self.open(new) {
            Once::Done(Opened::Opened { verification, delivery, .. }) => (verification, delivery),
            other => panic!("{other:?}"),
        }
    }

    /// Starts one that must be refused.
    pub(crate) fn refused(&self, new: &NewVerification) -> Refusal {
        match self.open(new) {
            Once::Done(Opened::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn view(&self, id: VerificationId) -> VerificationView {
        wait(self.store.get(APP, id)).unwrap().unwrap()
    }

    /// The code of a stored verification.
    pub(crate) fn code(&self, id: VerificationId) -> String {
        let row = self.view(id).verification;
        let personal = row.open_personal(&self.ring).unwrap();
        row.code(&self.ring, &personal).unwrap().expose().to_owned()
    }

    /// A code of the same form that is not the code.
    pub(crate) fn wrong(&self, id: VerificationId) -> String {
        let code = self.code(id);
        let other = if code.starts_with('0') { '1' } else { '0' };
        format!("{other}{}", &code[1..])
    }

    pub(crate) fn try_check(&self, check: SubmittedCheck) -> Result<Once<Checked>, StoreError> {
        wait(self.store.check(check))
    }

    pub(crate) fn check(&self, id: VerificationId, code: &str, now: Timestamp) -> Checked {
        match self.try_check(self.submitted(id, code, now)).unwrap() {
            Once::Done(checked) => checked,
            other => panic!("{other:?}"),
        }
    }

    /// A check that must be taken.
    pub(crate) fn answer(&self, id: VerificationId, code: &str, now: Timestamp) -> CheckAnswer {
        match self.check(id, code, now) {
            Checked::Answer { verification, answer } if verification == id => answer,
            other => panic!("{other:?}"),
        }
    }

    /// Writes an attempt down that must be allowed to leave.
    pub(crate) fn begin(
        &self,
        verification: VerificationId,
        delivery: DeliveryId,
        provider: &str,
        now: Timestamp,
    ) -> NewAttempt {
        let attempt = self.new_attempt(verification, delivery, provider, now);
        assert_eq!(wait(self.store.begin_attempt(attempt.clone())).unwrap(), Begun::Send);
        attempt
    }

    pub(crate) fn try_begin(&self, attempt: NewAttempt) -> Begun {
        wait(self.store.begin_attempt(attempt)).unwrap()
    }

    /// Writes an answer down after which the delivery is sent.
    pub(crate) fn accepted(&self, attempt: &NewAttempt, now: Timestamp) {
        let mut said = self.said(attempt, AttemptState::Accepted, "accepted", now);
        said.delivery_state = Some(DeliveryState::Sent);
        wait(self.store.finish_attempt(said)).unwrap();
    }

    pub(crate) fn note(&self, receipt: &NewReceipt) -> Noted {
        wait(self.store.note(receipt.clone())).unwrap()
    }

    pub(crate) fn recover(&self, lease: Lease, now: i64) -> Vec<DeliveryTask> {
        wait(self.store.recover(lease, at(now), 100)).unwrap()
    }
}

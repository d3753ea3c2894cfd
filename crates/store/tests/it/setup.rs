//! A store in a temporary folder, and rows for it made as the engine makes them.

use std::{collections::BTreeMap, future::Future, path::PathBuf, sync::Arc, time::Duration};

use backstop_domain::{
    application::{ApplicationId, Authority},
    attempt::AttemptState,
    channel::Channel,
    clock::Timestamp,
    code::{Alphabet, Code, CodeForm, SubmittedCode},
    delivery::{LEASE, Lease},
    id::{AttemptId, DeliveryId, NodeId, VerificationId},
    keyring::{KeyUse, Keyring, Kid, LookupHash, Sealed, generate},
    limit::Limits,
    ports::{
        random::SeededRandom,
        store::{
            AttemptResult, Begun, CheckTarget, Checked, Deliveries as _, Idempotency, NewAttempt,
            NewDelivery, NewVerification, Once, Opened, Refusal, StoreError, SubmittedCheck,
            VerificationView, Verifications as _,
        },
    },
    purpose::Purpose,
    verification::{CheckAnswer, Judge, Personal, Status, Verification},
};
use backstop_store::SqliteStore;

pub(crate) const APP: ApplicationId = ApplicationId(1);
pub(crate) const OTHER_APP: ApplicationId = ApplicationId(2);
pub(crate) const ASHA: &str = "+919876543210";
pub(crate) const RAVI: &str = "+919876543211";

/// Seconds after the beginning of the tests' time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A store and what is needed to fill it.
pub(crate) struct World {
    pub(crate) store: SqliteStore,
    pub(crate) ring: Arc<Keyring>,
    pub(crate) random: SeededRandom,
    pub(crate) node: NodeId,
    pub(crate) limits: Limits,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let random = SeededRandom::new(7);
        let keys =
            KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)));
        let ring = Arc::new(Keyring::new(keys).unwrap());
        let store = SqliteStore::open(&folder.path().join("data/backstop.db"), at(0)).unwrap();
        let node = NodeId::new(at(0), &random);
        Self { store, ring, random, node, limits: Limits::default(), folder }
    }

    /// With limits so high that only the named ones matter.
    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::new() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("data/backstop.db")
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Ends the store as a process would, and opens it anew.
    pub(crate) fn reopened(self, now: Timestamp) -> Self {
        let path = self.path();
        let Self { store, ring, random, node, limits, folder } = self;
        drop(store);
        let store = SqliteStore::open(&path, now).unwrap();
        Self { store, ring, random, node, limits, folder }
    }

    /// A connection of another program's, to look at the rows.
    pub(crate) fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |row| row.get(0)).unwrap()
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

    /// A start by a secret key for login, with a life of ten minutes and three checks.
    pub(crate) fn new_start(&self, to: &str, now: Timestamp) -> NewVerification {
        self.new_start_with(to, now, |_| {})
    }

    pub(crate) fn new_start_with(
        &self,
        to: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Verification),
    ) -> NewVerification {
        let mut row = Verification {
            id: VerificationId::new(now, &self.random),
            application: APP,
            authority: Authority::Secret,
            created_at: now,
            expires_at: now + seconds(600),
            status: Status::Pending,
            purpose: Purpose::login(),
            ladder: vec![Channel::Sms, Channel::Email],
            recipient: self.recipient(to),
            masked: "+91••••••••10".into(),
            personal: Sealed::from_bytes(vec![]),
            kid: self.ring.code_kid(),
            salt: [7; 16],
            form: CodeForm { length: 6, alphabet: Alphabet::Digits },
            custom_code: None,
            join: None,
            network: None,
            locale: None,
            max_checks: 3,
            checks_used: 0,
            approved_at: None,
            redeemed_at: None,
        };
        change(&mut row);
        self.seal(&mut row, to, None);
        NewVerification {
            rules: self.limits.for_delivery(row.application, row.recipient, row.network),
            delivery: DeliveryId::new(now, &self.random),
            lease: self.lease(now),
            first_attempt: None,
            resend_after: self.limits.resend_after,
            idempotency: None,
            verification: row,
        }
    }

    pub(crate) fn seal(&self, row: &mut Verification, to: &str, custom: Option<&Code>) {
        let personal = Personal {
            to: to.into(),
            fallback_to: BTreeMap::new(),
            transaction: None,
            metadata: None,
            client_ip: None,
            user_agent: None,
        };
        row.seal(&self.ring, &personal, custom, &self.random);
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

    pub(crate) fn new_resend(&self, verification: VerificationId, to: &str, now: Timestamp) -> NewDelivery {
        NewDelivery {
            application: APP,
            verification,
            delivery: DeliveryId::new(now, &self.random),
            ladder: None,
            lease: self.lease(now),
            rules: self.limits.for_delivery(APP, self.recipient(to), None),
            authority: Authority::Secret,
            network: None,
            resend_after: self.limits.resend_after,
            idempotency: None,
            now,
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

    pub(crate) fn submitted(&self, id: VerificationId, code: &str, now: Timestamp) -> SubmittedCheck {
        SubmittedCheck {
            application: APP,
            target: CheckTarget::Id(id),
            judge: Judge::new(self.ring.clone(), SubmittedCode::parse(code).unwrap()),
            limits: self.limits.clone(),
            authority: Authority::Secret,
            idempotency: None,
            now,
        }
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

    pub(crate) fn new_attempt(
        &self,
        verification: VerificationId,
        delivery: DeliveryId,
        provider: &str,
        now: Timestamp,
    ) -> NewAttempt {
        NewAttempt {
            id: AttemptId::new(now, &self.random),
            application: APP,
            verification,
            delivery,
            channel: Channel::Sms,
            provider: provider.into(),
            round: 0,
            pace: Vec::new(),
            lease: self.lease(now),
            now,
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

    /// A vendor's answer to an attempt.
    pub(crate) fn said(
        &self,
        attempt: &NewAttempt,
        state: AttemptState,
        outcome: &str,
        now: Timestamp,
    ) -> AttemptResult {
        AttemptResult {
            id: attempt.id,
            application: attempt.application,
            verification: attempt.verification,
            delivery: attempt.delivery,
            state,
            outcome: outcome.into(),
            rejection: None,
            vendor_id: None,
            vendor_response: None,
            price: None,
            opt_out: false,
            delivery_state: None,
            now,
        }
    }
}

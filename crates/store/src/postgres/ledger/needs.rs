//! What an act on verifications needs to have locked and read before it runs.

use std::collections::BTreeMap;

use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    id::VerificationId,
    keyring::LookupHash,
    ports::store::{CheckTarget, Conclusion, NewDelivery, NewVerification, SubmittedCheck},
    verification::Status,
};

use crate::{
    memory::Live,
    postgres::buckets::{self, Key},
};

/// Names a verification's row.
pub(in crate::postgres) type VerificationKey = (ApplicationId, VerificationId);

/// See the module.
#[derive(Debug, Default)]
pub(in crate::postgres) struct Needs {
    /// The moment that the caller lives in.
    pub(in crate::postgres) now: Timestamp,
    /// The idempotency key to lock.
    pub(in crate::postgres) key: Option<LookupHash>,
    /// Bucket rows to lock, with the charges and the live verification that they will hold if all goes as expected.
    pub(in crate::postgres) expected: BTreeMap<Key, (String, String)>,
    /// The verification to read, its recipient's row locked before.
    pub(in crate::postgres) verification: Option<VerificationKey>,
    /// The recipient whose row is to be locked and whose live verifications are to be read.
    pub(in crate::postgres) live_of: Option<(ApplicationId, LookupHash)>,
    /// The live verifications to read that a start may join.
    pub(in crate::postgres) joins: Option<(ApplicationId, LookupHash, LookupHash)>,
    /// Whether the latest delivery is to be read.
    pub(in crate::postgres) latest: bool,
    /// Whether the networks of the deliveries are to be read.
    pub(in crate::postgres) networks: bool,
    /// Whether the attempts are to be read.
    pub(in crate::postgres) attempts: bool,
    /// The recipient whose opt-outs are to be read.
    pub(in crate::postgres) opt_outs: Option<(ApplicationId, LookupHash)>,
}

impl Needs {
    /// Of a start.
    pub(in crate::postgres) fn of_start(new: &NewVerification) -> Self {
        let row = &new.verification;
        let mut expected = BTreeMap::new();
        let mut of_recipient = (String::new(), String::new());
        if row.status == Status::Pending {
            of_recipient.1 = buckets::live_text(row.application, &Live::of(row));
        }
        expected.insert(buckets::recipient(row.recipient), of_recipient);
        for (key, charge) in buckets::charges(&new.rules, row.authority.is_public(), row.created_at) {
            expected.entry(key).or_default().0 = charge.text();
        }
        Self {
            now: row.created_at,
            key: new.idempotency.map(|idempotency| idempotency.key),
            expected,
            joins: row.join.map(|join| (row.application, row.recipient, join)),
            latest: row.join.is_some(),
            opt_outs: Some((row.application, row.recipient)),
            ..Self::default()
        }
    }

    /// Of a resend. Its recipient's row is locked by way of the verification; the others by themselves.
    pub(in crate::postgres) fn of_resend(new: &NewDelivery) -> Self {
        let others = new.rules.iter().map(|rule| buckets::row_of(&rule.bucket));
        let others = others.filter(|key| !buckets::is_recipient(key));
        Self {
            now: new.now,
            key: new.idempotency.map(|idempotency| idempotency.key),
            expected: others.map(|key| (key, Default::default())).collect(),
            verification: Some((new.application, new.verification)),
            latest: true,
            ..Self::default()
        }
    }

    /// Of a check.
    pub(in crate::postgres) fn of_check(check: &SubmittedCheck) -> Self {
        let (verification, live_of) = match check.target {
            CheckTarget::Id(id) => (Some((check.application, id)), None),
            CheckTarget::Recipient { recipient, .. } => (None, Some((check.application, recipient))),
        };
        Self {
            now: check.now,
            key: check.idempotency.map(|idempotency| idempotency.key),
            verification,
            live_of,
            networks: true,
            ..Self::default()
        }
    }

    /// Of a check's end, by the vendor's word.
    pub(in crate::postgres) fn of_conclusion(conclusion: &Conclusion) -> Self {
        Self {
            now: conclusion.now,
            key: conclusion.checking.idempotency.map(|idempotency| idempotency.key),
            verification: Some((conclusion.application, conclusion.verification)),
            networks: true,
            ..Self::default()
        }
    }

    /// Of an end at the application's word, or of handing a proof over.
    pub(in crate::postgres) fn of_end(verification: VerificationKey, now: Timestamp) -> Self {
        Self { now, verification: Some(verification), attempts: true, ..Self::default() }
    }
}

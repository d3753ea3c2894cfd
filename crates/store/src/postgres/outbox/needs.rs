//! What an act on deliveries needs to have locked and read before it runs, known from what it was asked.

use backstop_domain::{clock::Timestamp, ports::store::NewReceipt, receipt::About};

use crate::{
    acts::{
        receipts::{is_handle, settles},
        spending::AttemptKey,
    },
    postgres::{buckets::Key, ledger::VerificationKey},
};

/// What an act on deliveries needs to have locked and read before it runs.
#[derive(Debug, Default)]
pub(in crate::postgres) struct Needs {
    /// The moment that the caller lives in.
    pub(in crate::postgres) now: Timestamp,
    /// The verifications whose deliveries are to be locked, and whose attempts are to be read.
    pub(in crate::postgres) verifications: Vec<VerificationKey>,
    /// Whether it is to be known if the verifications still wait for their codes.
    pub(in crate::postgres) begins: bool,
    /// The rows of paces and of providers' months to lock.
    pub(in crate::postgres) books: Vec<Key>,
    /// The attempts whose money may be settled, so that their months are locked too.
    pub(in crate::postgres) settles: Vec<AttemptKey>,
    /// Whether the attempt that `handle` names is one of them.
    pub(in crate::postgres) handle_settles: bool,
    /// Whether the attempts are to be read in full, for a receipt.
    pub(in crate::postgres) receipt: bool,
    /// The provider, and its own id of an attempt whose verification is to be treated as one of those above.
    pub(in crate::postgres) handle: Option<(String, String)>,
}

impl Needs {
    /// Of an act that begins no attempt.
    pub(in crate::postgres) fn of(
        now: Timestamp,
        verifications: impl IntoIterator<Item = VerificationKey>,
    ) -> Self {
        Self { now, verifications: verifications.into_iter().collect(), ..Self::default() }
    }

    /// Of a receipt.
    pub(in crate::postgres) fn of_receipt(new: &NewReceipt) -> Self {
        let (named, handle) = match &new.receipt.about {
            About::Reference(named) => (Some(named), None),
            About::VendorId(handle) => (None, Some(handle).filter(|handle| is_handle(handle))),
        };
        let verifications = named.map(|named| (named.application, named.verification)).into_iter().collect();
        let handle_settles = settles(new).is_some();
        let settles = named.filter(|_| handle_settles);
        let settles = settles.map(|named| (named.application, named.verification, named.attempt));
        let settles = settles.into_iter().collect();
        let handle = handle.map(|handle| (new.provider.clone(), handle.clone()));
        Self {
            now: new.now,
            verifications,
            receipt: true,
            handle,
            settles,
            handle_settles,
            ..Self::default()
        }
    }
}

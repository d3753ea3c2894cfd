//! Bugs put in on purpose, to see that the simulation finds them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use backstop_domain::{
    id::VerificationId,
    ports::{
        Store, StoreError,
        random::SeededRandom,
        store::{CheckTarget, SubmittedCheck},
    },
    verification::Verdict,
};

use crate::hooked::Hooks;

/// Which bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// None: the program as it is.
    None,
    /// A check that is compared but not charged when an error follows.
    RefundOnError,
    /// A vendor's client that repeats a request of unknown fate.
    SendTwice,
}

/// Comparisons that were not charged, by verification.
pub(crate) type Uncharged = Arc<Mutex<BTreeMap<VerificationId, u32>>>;

/// A store that compares a code first, fails now and then, and charges only if it did not.
pub(crate) struct Refunding {
    pub(crate) chance: Arc<SeededRandom>,
    pub(crate) uncharged: Uncharged,
}

#[async_trait]
impl Hooks for Refunding {
    async fn before_check(&self, store: &dyn Store, check: &SubmittedCheck) -> Result<(), StoreError> {
        if let CheckTarget::Id(id) = check.target
            && let Some(view) = store.get(check.application, id).await?
            && check.judge.judge(&view.verification) == Ok(Verdict::Wrong)
            && self.chance.below(2) == 0
        {
            *self.uncharged.lock().unwrap().entry(id).or_default() += 1;
            return Err(StoreError::Unavailable("planted".into()));
        }
        Ok(())
    }
}

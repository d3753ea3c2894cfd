//! Bugs put in on purpose, to see that the simulation finds them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    delivery::{Delivery, DeliveryState, Lease},
    id::{ApiKeyId, DeliveryId, NodeId, VerificationId},
    ports::{
        Store, StoreError,
        random::SeededRandom,
        store::{
            ApiKey, Applications, AttemptResult, Begun, Canceled, CheckTarget, Checked, Deliveries,
            DeliveryTask, Keys, NewAttempt, NewDelivery, NewVerification, NodeReport, Nodes, Once, Opened,
            Redeemed, Resent, SubmittedCheck, VerificationFilter, VerificationView, Verifications,
            WrappedKey,
        },
    },
    purpose::Purpose,
    verification::Verdict,
};

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
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) chance: Arc<SeededRandom>,
    pub(crate) uncharged: Uncharged,
}

#[async_trait]
impl Verifications for Refunding {
    async fn open(&self, new: NewVerification) -> Result<Once<Opened>, StoreError> {
        self.inner.open(new).await
    }
    async fn resend(&self, new: NewDelivery) -> Result<Once<Resent>, StoreError> {
        self.inner.resend(new).await
    }
    async fn check(&self, check: SubmittedCheck) -> Result<Once<Checked>, StoreError> {
        if let CheckTarget::Id(id) = check.target
            && let Some(view) = self.inner.get(check.application, id).await?
            && check.judge.judge(&view.verification) == Ok(Verdict::Wrong)
            && self.chance.below(2) == 0
        {
            *self.uncharged.lock().unwrap().entry(id).or_default() += 1;
            return Err(StoreError::Unavailable("planted".into()));
        }
        self.inner.check(check).await
    }
    async fn cancel(
        &self,
        app: ApplicationId,
        id: VerificationId,
        now: Timestamp,
    ) -> Result<Canceled, StoreError> {
        self.inner.cancel(app, id, now).await
    }
    async fn redeem(
        &self,
        app: ApplicationId,
        id: VerificationId,
        expected: Option<Purpose>,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        self.inner.redeem(app, id, expected, now).await
    }
    async fn get(
        &self,
        app: ApplicationId,
        id: VerificationId,
    ) -> Result<Option<VerificationView>, StoreError> {
        self.inner.get(app, id).await
    }
    async fn list(
        &self,
        app: ApplicationId,
        filter: VerificationFilter,
    ) -> Result<Vec<VerificationView>, StoreError> {
        self.inner.list(app, filter).await
    }
    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.expire(now).await
    }
    async fn forget(&self, before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget(before, now).await
    }
}

#[async_trait]
impl Nodes for Refunding {
    async fn report(&self, own: NodeReport) -> Result<Vec<NodeReport>, StoreError> {
        self.inner.report(own).await
    }
}

#[async_trait]
impl Deliveries for Refunding {
    async fn task(
        &self,
        app: ApplicationId,
        verification: VerificationId,
        delivery: DeliveryId,
        holder: NodeId,
    ) -> Result<Option<DeliveryTask>, StoreError> {
        self.inner.task(app, verification, delivery, holder).await
    }
    async fn begin_attempt(&self, attempt: NewAttempt) -> Result<Begun, StoreError> {
        self.inner.begin_attempt(attempt).await
    }
    async fn finish_attempt(&self, result: AttemptResult) -> Result<(), StoreError> {
        self.inner.finish_attempt(result).await
    }
    async fn finish(
        &self,
        delivery: &Delivery,
        state: DeliveryState,
        holder: NodeId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.finish(delivery, state, holder, now).await
    }
    async fn renew(
        &self,
        deliveries: Vec<(ApplicationId, VerificationId, DeliveryId)>,
        lease: Lease,
    ) -> Result<Vec<DeliveryId>, StoreError> {
        self.inner.renew(deliveries, lease).await
    }
    async fn recover(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DeliveryTask>, StoreError> {
        self.inner.recover(lease, now, limit).await
    }
}

#[async_trait]
impl Applications for Refunding {
    async fn application(&self, name: &str, now: Timestamp) -> Result<ApplicationId, StoreError> {
        self.inner.application(name, now).await
    }
    async fn add_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.inner.add_key(key).await
    }
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.inner.keys().await
    }
    async fn revoke_key(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.revoke_key(id, now).await
    }
}

#[async_trait]
impl Keys for Refunding {
    async fn root_fingerprint(&self) -> Result<Option<String>, StoreError> {
        self.inner.root_fingerprint().await
    }
    async fn initialize(&self, fingerprint: &str, keys: Vec<WrappedKey>) -> Result<bool, StoreError> {
        self.inner.initialize(fingerprint, keys).await
    }
    async fn ring(&self) -> Result<Vec<WrappedKey>, StoreError> {
        self.inner.ring().await
    }
    async fn add_ring_keys(&self, keys: Vec<WrappedKey>) -> Result<(), StoreError> {
        self.inner.add_ring_keys(keys).await
    }
}

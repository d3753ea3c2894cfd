//! A store that does what another one does, with hooks for a test to act as its surroundings.

use std::sync::Arc;

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    audit::{Checkpoint, Head, NewRecord, Record, SealedDetail},
    channel::Channel,
    clock::Timestamp,
    delivery::{Delivery, DeliveryState, Lease},
    factor::failures::Failures,
    id::{ApiKeyId, DeliveryId, NodeId, NoticeId, UserId, VerificationId},
    keyring::LookupHash,
    notice::{Line, NewNotice},
    ports::{
        Store, StoreError,
        store::{
            ApiKey, Applications, AttemptResult, Audit, Begun, Canceled, Checked, Conclusion, Deliveries,
            DeliveryTask, DueNotice, Keys, NewAttempt, NewDelivery, NewReceipt, NewVerification, NodeReport,
            Nodes, Noted, Notices, Once, Opened, ProviderSwitch, Redeemed, Resent, Routing, Settled,
            Standing, SubmittedCheck, Usage, VerificationFilter, VerificationView, Verifications, WrappedKey,
        },
    },
    purpose::Purpose,
    ranking::Observation,
    receipt::InboundWord,
    spend::SpendBook,
};

mod operators;
mod people;

/// What happens around a store.
#[async_trait]
pub(crate) trait Hooks: Send + Sync {
    /// Before a start is written, or a delivery taken over.
    fn before_write(&self) -> Result<(), StoreError> {
        Ok(())
    }
    /// Before a check is counted.
    async fn before_check(&self, _: &dyn Store, _: &SubmittedCheck) -> Result<(), StoreError> {
        Ok(())
    }
    /// Before what became of a notice is written.
    fn before_settling(&self) -> Result<(), StoreError> {
        Ok(())
    }
    /// After deliveries were taken over.
    fn recovered(&self, _: NodeId, _: usize) {}
    /// Whether the store plays one that several nodes share.
    fn is_shared(&self) -> bool {
        false
    }
    /// In place of the store: a node reports.
    fn report(&self, _: NodeReport) -> Result<Vec<NodeReport>, StoreError> {
        Ok(vec![])
    }
}

/// See the module.
pub(crate) struct Hooked<H> {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) hooks: H,
}

#[async_trait]
impl<H: Hooks> Verifications for Hooked<H> {
    async fn open(&self, new: NewVerification) -> Result<Once<Opened>, StoreError> {
        self.hooks.before_write()?;
        self.inner.open(new).await
    }
    async fn resend(&self, new: NewDelivery) -> Result<Once<Resent>, StoreError> {
        self.inner.resend(new).await
    }
    async fn check(&self, check: SubmittedCheck) -> Result<Once<Checked>, StoreError> {
        self.hooks.before_check(self.inner.as_ref(), &check).await?;
        self.inner.check(check).await
    }
    async fn conclude(&self, conclusion: Conclusion) -> Result<Once<Checked>, StoreError> {
        self.inner.conclude(conclusion).await
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
impl<H: Hooks> Nodes for Hooked<H> {
    fn is_shared(&self) -> bool {
        self.hooks.is_shared()
    }
    async fn report(&self, own: NodeReport) -> Result<Vec<NodeReport>, StoreError> {
        self.hooks.report(own)
    }
    async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        self.hooks.before_write()?;
        self.inner.probe(now).await
    }
}

#[async_trait]
impl<H: Hooks> Deliveries for Hooked<H> {
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
    async fn note(&self, receipt: NewReceipt) -> Result<Noted, StoreError> {
        self.hooks.before_write()?;
        self.inner.note(receipt).await
    }
    async fn heed(
        &self,
        recipient: LookupHash,
        channel: Channel,
        word: InboundWord,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.heed(recipient, channel, word, now).await
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
        self.hooks.before_write()?;
        let found = self.inner.recover(lease, now, limit).await?;
        self.hooks.recovered(lease.holder, found.len());
        Ok(found)
    }
    async fn release(&self, holder: NodeId, now: Timestamp) -> Result<(), StoreError> {
        self.inner.release(holder, now).await
    }
}

#[async_trait]
impl<H: Hooks> Applications for Hooked<H> {
    async fn application(&self, name: &str, now: Timestamp) -> Result<ApplicationId, StoreError> {
        self.inner.application(name, now).await
    }
    async fn add_key(&self, key: ApiKey, record: NewRecord) -> Result<(), StoreError> {
        self.inner.add_key(key, record).await
    }
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.inner.keys().await
    }
    async fn revoke_key(&self, id: ApiKeyId, record: NewRecord, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.revoke_key(id, record, now).await
    }
}

#[async_trait]
impl<H: Hooks> Keys for Hooked<H> {
    async fn root_fingerprint(&self) -> Result<Option<String>, StoreError> {
        self.inner.root_fingerprint().await
    }
    async fn initialize(&self, fingerprint: &str, keys: Vec<WrappedKey>) -> Result<bool, StoreError> {
        self.inner.initialize(fingerprint, keys).await
    }
    async fn ring(&self) -> Result<Vec<WrappedKey>, StoreError> {
        self.inner.ring().await
    }
    async fn add_ring_keys(&self, keys: Vec<WrappedKey>, record: NewRecord) -> Result<(), StoreError> {
        self.inner.add_ring_keys(keys, record).await
    }
}

#[async_trait]
impl<H: Hooks> Notices for Hooked<H> {
    async fn post_notices(&self, notices: Vec<NewNotice>) -> Result<(), StoreError> {
        self.inner.post_notices(notices).await
    }
    async fn due_notices(
        &self,
        line: Line,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueNotice>, StoreError> {
        self.inner.due_notices(line, lease, now, limit).await
    }
    async fn settle_notice(
        &self,
        application: ApplicationId,
        id: NoticeId,
        holder: NodeId,
        settled: Settled,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.hooks.before_settling()?;
        self.inner.settle_notice(application, id, holder, settled, now).await
    }
    async fn forget_notices(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_notices(before).await
    }
}

#[async_trait]
impl<H: Hooks> Routing for Hooked<H> {
    async fn observe(
        &self,
        mine: Vec<Observation>,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Observation>, StoreError> {
        self.inner.observe(mine, since, now).await
    }
    async fn spending(&self, now: Timestamp) -> Result<Vec<(String, SpendBook)>, StoreError> {
        self.inner.spending(now).await
    }
    async fn switches(&self) -> Result<Vec<ProviderSwitch>, StoreError> {
        self.inner.switches().await
    }
    async fn switch(&self, switch: ProviderSwitch, record: NewRecord) -> Result<(), StoreError> {
        self.inner.switch(switch, record).await
    }
    async fn usage(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Usage>, StoreError> {
        self.inner.usage(from, to).await
    }
    async fn standings(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Standing>, StoreError> {
        self.inner.standings(from, to).await
    }
}

#[async_trait]
impl<H: Hooks> Audit for Hooked<H> {
    async fn record(&self, records: Vec<NewRecord>) -> Result<(), StoreError> {
        self.hooks.before_write()?;
        self.inner.record(records).await
    }
    async fn audit_head(&self) -> Result<Head, StoreError> {
        self.inner.audit_head().await
    }
    async fn audit_page(&self, after: u64, limit: u32) -> Result<Vec<Record>, StoreError> {
        self.inner.audit_page(after, limit).await
    }
    async fn audit_details(&self, first: u64, last: u64) -> Result<Vec<SealedDetail>, StoreError> {
        self.inner.audit_details(first, last).await
    }
    async fn failures(
        &self,
        application: ApplicationId,
        span: (Timestamp, Timestamp),
        most: u64,
    ) -> Result<Failures, StoreError> {
        self.inner.failures(application, span, most).await
    }
    async fn emergency_uses(&self, after: Timestamp) -> Result<Vec<Record>, StoreError> {
        self.inner.emergency_uses(after).await
    }
    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), StoreError> {
        self.inner.checkpoint(checkpoint).await
    }
    async fn checkpoints(&self, after: u64, limit: u32) -> Result<Vec<Checkpoint>, StoreError> {
        self.inner.checkpoints(after, limit).await
    }
    async fn last_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        self.inner.last_checkpoint().await
    }
    async fn erase_audit_details(&self, user: UserId) -> Result<u64, StoreError> {
        self.inner.erase_audit_details(user).await
    }
}

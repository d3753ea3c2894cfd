//! The port's [`Deliveries`]: which act or query each call is.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    channel::Channel,
    clock::Timestamp,
    delivery::{Delivery, DeliveryState, Lease},
    id::{DeliveryId, NodeId, VerificationId},
    keyring::LookupHash,
    ports::store::{
        AttemptResult, Begun, Deliveries, DeliveryTask, NewAttempt, NewReceipt, Noted, StoreError,
    },
    receipt::InboundWord,
    spend::Month,
};

use super::{PostgresStore, buckets, lane::receive, opt_outs::heed, outbox::Needs, recovery, spending};
use crate::acts::{answers, attempts, receipts};

#[async_trait]
impl Deliveries for PostgresStore {
    async fn task(
        &self,
        application: ApplicationId,
        verification: VerificationId,
        delivery: DeliveryId,
        holder: NodeId,
    ) -> Result<Option<DeliveryTask>, StoreError> {
        let key = (application, verification, delivery);
        self.run(Box::new(move |session| Box::pin(recovery::task(session, key, holder)))).await
    }

    async fn begin_attempt(&self, attempt: NewAttempt) -> Result<Begun, StoreError> {
        let paces = attempt.pace.iter().map(|pace| buckets::pace(&attempt.provider, pace.span));
        let month =
            attempt.reservation.map(|asked| spending::row_of_month(Month::of(asked.at), &attempt.provider));
        let needs = Needs {
            begins: true,
            books: paces.chain(month).collect(),
            ..Needs::of(attempt.now, [(attempt.application, attempt.verification)])
        };
        receive(self.attempts.submit(needs, move |draft| attempts::begin(draft, &attempt))?).await
    }

    async fn finish_attempt(&self, result: AttemptResult) -> Result<(), StoreError> {
        let settles = result.settlement.map(|_| (result.application, result.verification, result.id));
        let needs = Needs {
            settles: settles.into_iter().collect(),
            ..Needs::of(result.now, [(result.application, result.verification)])
        };
        receive(self.attempts.submit(needs, move |draft| answers::finish_attempt(draft, &result))?).await
    }

    async fn note(&self, receipt: NewReceipt) -> Result<Noted, StoreError> {
        let needs = Needs::of_receipt(&receipt);
        receive(self.receipts.submit(needs, move |draft| receipts::note(draft, &receipt))?).await
    }

    async fn heed(
        &self,
        recipient: LookupHash,
        channel: Channel,
        word: InboundWord,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(Box::new(move |session| Box::pin(heed(session, recipient, channel, word, now)))).await
    }

    async fn finish(
        &self,
        delivery: &Delivery,
        state: DeliveryState,
        holder: NodeId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = (delivery.application, delivery.verification, delivery.id);
        let needs = Needs::of(now, [(key.0, key.1)]);
        let act = move |draft: &mut _| attempts::finish(draft, key, state, holder, now);
        receive(self.attempts.submit(needs, act)?).await
    }

    async fn renew(
        &self,
        deliveries: Vec<(ApplicationId, VerificationId, DeliveryId)>,
        lease: Lease,
    ) -> Result<Vec<DeliveryId>, StoreError> {
        let verifications =
            deliveries.iter().map(|(application, verification, _)| (*application, *verification));
        let needs = Needs::of(Timestamp::default(), verifications);
        receive(self.attempts.submit(needs, move |draft| attempts::renew(draft, &deliveries, lease))?).await
    }

    async fn recover(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DeliveryTask>, StoreError> {
        self.run(Box::new(move |session| Box::pin(recovery::recover(session, lease, now, limit)))).await
    }

    async fn release(&self, holder: NodeId, now: Timestamp) -> Result<(), StoreError> {
        self.run(Box::new(move |session| Box::pin(recovery::release(session, holder, now)))).await
    }
}

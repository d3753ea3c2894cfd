//! The port's [`Verifications`]: which lane or query each call is.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    id::VerificationId,
    ports::store::{
        Canceled, Checked, Conclusion, NewDelivery, NewVerification, Once, Opened, Redeemed, Resent,
        StoreError, SubmittedCheck, VerificationFilter, VerificationView, Verifications,
    },
    purpose::Purpose,
};

use super::{PostgresStore, lane::receive, ledger::Needs, read};
use crate::acts::{checks, ended, starts, vendor_checks};

#[async_trait]
impl Verifications for PostgresStore {
    async fn open(&self, new: NewVerification) -> Result<Once<Opened>, StoreError> {
        let needs = Needs::of_start(&new);
        receive(self.starts.submit(needs, move |draft| starts::open(draft, &new))?).await
    }

    async fn resend(&self, new: NewDelivery) -> Result<Once<Resent>, StoreError> {
        let needs = Needs::of_resend(&new);
        receive(self.resends.submit(needs, move |draft| starts::resend(draft, &new))?).await
    }

    async fn check(&self, check: SubmittedCheck) -> Result<Once<Checked>, StoreError> {
        let needs = Needs::of_check(&check);
        receive(self.checks.submit(needs, move |draft| checks::check(draft, &check))?).await
    }

    async fn conclude(&self, conclusion: Conclusion) -> Result<Once<Checked>, StoreError> {
        let needs = Needs::of_conclusion(&conclusion);
        receive(self.checks.submit(needs, move |draft| vendor_checks::conclude(draft, &conclusion))?).await
    }

    async fn cancel(
        &self,
        application: ApplicationId,
        id: VerificationId,
        now: Timestamp,
    ) -> Result<Canceled, StoreError> {
        let needs = Needs::of_end((application, id), now);
        receive(self.checks.submit(needs, move |draft| ended::cancel(draft, application, id, now))?).await
    }

    async fn redeem(
        &self,
        application: ApplicationId,
        id: VerificationId,
        expected: Option<Purpose>,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        let needs = Needs::of_end((application, id), now);
        let act = move |draft: &mut _| ended::redeem(draft, application, id, expected.as_ref(), now);
        receive(self.checks.submit(needs, act)?).await
    }

    async fn get(
        &self,
        application: ApplicationId,
        id: VerificationId,
    ) -> Result<Option<VerificationView>, StoreError> {
        self.run(Box::new(move |session| Box::pin(read::view(session, application, id)))).await
    }

    async fn list(
        &self,
        application: ApplicationId,
        filter: VerificationFilter,
    ) -> Result<Vec<VerificationView>, StoreError> {
        self.run(Box::new(move |session| Box::pin(read::page(session, application, filter)))).await
    }

    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.sweep(now).await
    }

    async fn forget(&self, before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        self.forget_before(before, now).await
    }
}

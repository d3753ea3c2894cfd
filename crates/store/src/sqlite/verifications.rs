//! The port's [`Verifications`]: which act or query each call is. The acts themselves are beside this file.

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

use super::{SqliteStore, housekeeping, lookups, queue::Urgency};
use crate::acts::{checks, ended, starts, vendor_checks};

#[async_trait]
impl Verifications for SqliteStore {
    async fn open(&self, new: NewVerification) -> Result<Once<Opened>, StoreError> {
        self.write_as(Urgency::Start, move |unit| starts::open(unit, &new)).await
    }

    async fn resend(&self, new: NewDelivery) -> Result<Once<Resent>, StoreError> {
        self.write_as(Urgency::Start, move |unit| starts::resend(unit, &new)).await
    }

    async fn check(&self, check: SubmittedCheck) -> Result<Once<Checked>, StoreError> {
        self.write_as(Urgency::Check, move |unit| checks::check(unit, &check)).await
    }

    async fn conclude(&self, conclusion: Conclusion) -> Result<Once<Checked>, StoreError> {
        self.write_as(Urgency::Check, move |unit| vendor_checks::conclude(unit, &conclusion)).await
    }

    async fn cancel(
        &self,
        application: ApplicationId,
        id: VerificationId,
        now: Timestamp,
    ) -> Result<Canceled, StoreError> {
        self.write_as(Urgency::Check, move |unit| ended::cancel(unit, application, id, now)).await
    }

    async fn redeem(
        &self,
        application: ApplicationId,
        id: VerificationId,
        expected: Option<Purpose>,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        self.write_as(Urgency::Check, move |unit| {
            ended::redeem(unit, application, id, expected.as_ref(), now)
        })
        .await
    }

    async fn get(
        &self,
        application: ApplicationId,
        id: VerificationId,
    ) -> Result<Option<VerificationView>, StoreError> {
        self.read(move |connection| {
            let found = lookups::verification(connection, application, id)?;
            found.map(|verification| lookups::view(connection, verification)).transpose()
        })
        .await
    }

    async fn list(
        &self,
        application: ApplicationId,
        filter: VerificationFilter,
    ) -> Result<Vec<VerificationView>, StoreError> {
        self.read(move |connection| lookups::page(connection, application, &filter)).await
    }

    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |unit| housekeeping::expire(unit, now)).await
    }

    async fn forget(&self, before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |unit| housekeeping::forget(unit, before, now)).await
    }
}

//! Operators and emergency access of a hooked store: those of the store itself.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    audit::NewRecord,
    clock::Timestamp,
    emergency::{
        KeyUsed,
        request::{Approval, EmergencyRequest, RequestState},
    },
    id::{EmergencyRequestId, OperatorId},
    keyring::LookupHash,
    operator::{Invitation, JoinRefusal, Operator, Removal},
    ports::{StoreError, store::Operators},
    token::session::Session,
};

use super::{Hooked, Hooks};

#[async_trait]
impl<H: Hooks> Operators for Hooked<H> {
    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.inner.operators().await
    }
    async fn invite(&self, invitation: Invitation, record: NewRecord) -> Result<(), StoreError> {
        self.inner.invite(invitation, record).await
    }
    async fn invitation(&self, hash: LookupHash) -> Result<Option<Invitation>, StoreError> {
        self.inner.invitation(hash).await
    }
    async fn join(
        &self,
        invitation: LookupHash,
        operator: Operator,
        record: NewRecord,
    ) -> Result<Result<(), JoinRefusal>, StoreError> {
        self.inner.join(invitation, operator, record).await
    }
    async fn remove_operator(&self, id: OperatorId, record: NewRecord) -> Result<Removal, StoreError> {
        self.inner.remove_operator(id, record).await
    }
    async fn emergency_request(
        &self,
        id: EmergencyRequestId,
    ) -> Result<Option<EmergencyRequest>, StoreError> {
        self.inner.emergency_request(id).await
    }
    async fn emergency_requests(&self, since: Timestamp) -> Result<Vec<EmergencyRequest>, StoreError> {
        self.inner.emergency_requests(since).await
    }
    async fn approve_emergency(
        &self,
        id: EmergencyRequestId,
        approval: Approval,
        record: NewRecord,
    ) -> Result<Option<RequestState>, StoreError> {
        self.inner.approve_emergency(id, approval, record).await
    }
    async fn emergency_key_used(&self) -> Result<Option<KeyUsed>, StoreError> {
        self.inner.emergency_key_used().await
    }
    async fn emergency_sessions(
        &self,
        application: ApplicationId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        self.inner.emergency_sessions(application, now).await
    }
    async fn forget_operators(&self, now: Timestamp) -> Result<(), StoreError> {
        self.inner.forget_operators(now).await
    }
}

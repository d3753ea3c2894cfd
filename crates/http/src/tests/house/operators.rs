//! Operators and emergency access of a store that is down.

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
    ports::store::Operators,
    token::session::Session,
};

use super::{Down, Stored, down};

#[async_trait]
impl Operators for Down {
    async fn operators(&self) -> Stored<Vec<Operator>> {
        down()
    }
    async fn invite(&self, _: Invitation, _: NewRecord) -> Stored<()> {
        down()
    }
    async fn invitation(&self, _: LookupHash) -> Stored<Option<Invitation>> {
        down()
    }
    async fn join(&self, _: LookupHash, _: Operator, _: NewRecord) -> Stored<Result<(), JoinRefusal>> {
        down()
    }
    async fn remove_operator(&self, _: OperatorId, _: NewRecord) -> Stored<Removal> {
        down()
    }
    async fn emergency_request(&self, _: EmergencyRequestId) -> Stored<Option<EmergencyRequest>> {
        down()
    }
    async fn emergency_requests(&self, _: Timestamp) -> Stored<Vec<EmergencyRequest>> {
        down()
    }
    async fn approve_emergency(
        &self,
        _: EmergencyRequestId,
        _: Approval,
        _: NewRecord,
    ) -> Stored<Option<RequestState>> {
        down()
    }
    async fn emergency_key_used(&self) -> Stored<Option<KeyUsed>> {
        down()
    }
    async fn emergency_sessions(&self, _: ApplicationId, _: Timestamp) -> Stored<Vec<Session>> {
        down()
    }
    async fn forget_operators(&self, _: Timestamp) -> Stored<()> {
        down()
    }
}

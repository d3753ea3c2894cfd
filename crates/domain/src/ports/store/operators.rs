//! Operators, their invitations, and emergency access at rest. Every act writes its record of the audit log in its own
//! transaction; one that was refused writes nothing.

use async_trait::async_trait;

use super::StoreError;
use crate::{
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
    token::session::Session,
};

/// What an act on a person changed of emergency access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmergencyChange {
    /// Somebody asked, and waits for an approval.
    Asked(Box<EmergencyRequest>),
    /// Somebody got in.
    Used {
        /// With which key.
        key: KeyUsed,
        /// After which request, where one is asked for.
        request: Option<EmergencyRequestId>,
    },
}

/// See the module.
#[async_trait]
pub trait Operators: Send + Sync {
    /// Every operator, oldest first.
    async fn operators(&self) -> Result<Vec<Operator>, StoreError>;

    /// Keeps an invitation.
    async fn invite(&self, invitation: Invitation, record: NewRecord) -> Result<(), StoreError>;

    /// Reads an invitation, beside the acts.
    async fn invitation(&self, hash: LookupHash) -> Result<Option<Invitation>, StoreError>;

    /// Uses an invitation up for a new operator: of two who come with one, one joins.
    async fn join(
        &self,
        invitation: LookupHash,
        operator: Operator,
        record: NewRecord,
    ) -> Result<Result<(), JoinRefusal>, StoreError>;

    /// Removes an operator, but never the last owner.
    async fn remove_operator(&self, id: OperatorId, record: NewRecord) -> Result<Removal, StoreError>;

    /// Reads a request for emergency access, beside the acts.
    async fn emergency_request(&self, id: EmergencyRequestId)
    -> Result<Option<EmergencyRequest>, StoreError>;

    /// Those that were made since, oldest first.
    async fn emergency_requests(&self, since: Timestamp) -> Result<Vec<EmergencyRequest>, StoreError>;

    /// Approves a request that waits. Says how it stood; `None`: there is none.
    async fn approve_emergency(
        &self,
        id: EmergencyRequestId,
        approval: Approval,
        record: NewRecord,
    ) -> Result<Option<RequestState>, StoreError>;

    /// The key that somebody last got in with.
    async fn emergency_key_used(&self) -> Result<Option<KeyUsed>, StoreError>;

    /// Sessions of emergency access that have not run out, ended ones too, oldest first.
    async fn emergency_sessions(
        &self,
        application: ApplicationId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError>;

    /// Deletes invitations that ran out, and requests a month after them.
    async fn forget_operators(&self, now: Timestamp) -> Result<(), StoreError>;
}

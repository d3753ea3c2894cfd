//! Approving a use of emergency access: by an operator, never by whoever asked.

use backstop_domain::{
    application::ApplicationId,
    emergency::request::{Approval, RequestState},
    event::{Actor, Event, EventKind},
    id::{EmergencyRequestId, OperatorId, UserId},
    ports::{StoreError, store::Whom},
    recipient::Recipient,
    user::address_hash,
};

use crate::Engine;

/// Why nothing was approved.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApproveError {
    /// There is no such request.
    #[error("there is no such request")]
    NotFound,
    /// There is no such operator.
    #[error("there is no such operator")]
    NoSuchOperator,
    /// The operator is the person who asked.
    #[error("nobody approves their own request")]
    OwnRequest,
    /// It does not wait any more.
    #[error("the request is {}", .0.as_str())]
    NotWaiting(RequestState),
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Approves a request; it can be used once within a quarter of an hour. `operator` `None`: whoever may run the program's
    /// commands.
    ///
    /// # Errors
    /// Says why it was not.
    pub async fn approve_emergency(
        &self,
        operator: Option<OperatorId>,
        id: EmergencyRequestId,
    ) -> Result<(), ApproveError> {
        let request = self.noting(self.store.emergency_request(id).await)?.ok_or(ApproveError::NotFound)?;
        if let Some(operator) = operator {
            let person = (request.application, request.user);
            if self.is_of_operator(person, operator).await?.ok_or(ApproveError::NoSuchOperator)? {
                return Err(ApproveError::OwnRequest);
            }
        }
        let now = self.clock.now();
        let event = Event {
            application: Some(request.application),
            subject: Some(request.user),
            method: operator.map(|operator| format!("by {operator}")),
            ..Event::new(now, EventKind::EmergencyApproved, Actor::CommandLine).with_object(id.to_string())
        };
        let approval = Approval { at: now, by: operator };
        let record = self.new_record(&event);
        match self.noting(self.store.approve_emergency(id, approval, record).await)? {
            Some(RequestState::Waiting) => Ok(()),
            Some(stood) => Err(ApproveError::NotWaiting(stood)),
            None => Err(ApproveError::NotFound),
        }
    }

    /// Whether the operator's address is one of the person's. `None`: there is no such operator.
    pub(super) async fn is_of_operator(
        &self,
        (application, user): (ApplicationId, UserId),
        operator: OperatorId,
    ) -> Result<Option<bool>, StoreError> {
        let operators = self.noting(self.store.operators().await)?;
        let Some(found) = operators.into_iter().find(|one| one.id == operator) else { return Ok(None) };
        let ring = self.keyring();
        let email = found.open_email(&ring);
        let email = email.map_err(|error| StoreError::Internal(format!("an operator's address: {error}")))?;
        let hash = address_hash(&ring, &Recipient::Email(email));
        let user = self.noting(self.store.find(application, Whom::User(user)).await)?;
        Ok(Some(user.is_some_and(|user| user.address(hash).is_some())))
    }
}

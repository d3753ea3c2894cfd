//! Reviewing a use of emergency access: by an operator who was not let in by it.

use backstop_domain::{
    emergency::{
        is_reason,
        review::{LOOK_BACK, Ledger, Verdict},
    },
    event::{Actor, Event, EventKind},
    id::{OperatorId, SessionId},
    ports::StoreError,
    secret::SecretString,
};

use crate::Engine;

/// Why nothing was reviewed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReviewError {
    /// No use opened this session.
    #[error("no use of emergency access opened this session")]
    NotFound,
    /// Somebody did before.
    #[error("it was reviewed before")]
    Reviewed,
    /// The finding says nothing that can be kept.
    #[error("a finding has 1 to 500 characters that a terminal can show")]
    Finding,
    /// There is no such operator.
    #[error("there is no such operator")]
    NoSuchOperator,
    /// The operator is whom it let in.
    #[error("nobody reviews their own use")]
    OwnUse,
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// What the audit log says of emergency access.
    pub(super) async fn emergency_ledger(&self) -> Result<Ledger, StoreError> {
        let since = self.clock.now() - LOOK_BACK;
        Ok(Ledger::of(&self.noting(self.store.emergency_uses(since).await)?))
    }

    /// Closes the use that opened a session. `operator` `None`: whoever may run the program's commands.
    ///
    /// # Errors
    /// Says why it was not.
    pub async fn review_emergency(
        &self,
        operator: Option<OperatorId>,
        session: SessionId,
        verdict: Verdict,
        finding: SecretString,
    ) -> Result<(), ReviewError> {
        if !is_reason(finding.expose()) {
            return Err(ReviewError::Finding);
        }
        let ledger = self.emergency_ledger().await?;
        let used = ledger.uses.into_iter().find(|used| used.session == session);
        let used = used.ok_or(ReviewError::NotFound)?;
        if used.is_reviewed {
            return Err(ReviewError::Reviewed);
        }
        if let (Some(operator), Some(application), Some(user)) = (operator, used.application, used.user)
            && self.is_of_operator((application, user), operator).await?.ok_or(ReviewError::NoSuchOperator)?
        {
            return Err(ReviewError::OwnUse);
        }
        let actor = operator.map_or(Actor::CommandLine, Actor::Operator);
        let event = Event {
            application: used.application,
            subject: used.user,
            method: Some(verdict.as_str().to_owned()),
            detail: Some(finding),
            ..Event::new(self.clock.now(), EventKind::EmergencyReviewed, actor)
                .with_object(session.to_string())
        };
        Ok(self.record(&event).await?)
    }
}

//! Starting a verification that signs a person in, or a decoy for an address that belongs to nobody.
//!
//! Both take every step of a start: the same policy, the same charges, the same act of the store, a delivery of their own.
//! They part only where a courier would send. What the caller gives besides the address comes from the store of people, so
//! nothing of it may decide what the answer says.

use std::{collections::BTreeMap, sync::Arc};

use backstop_domain::{
    channel::Channel, purpose::Purpose, recipient::Recipient, template::Transaction, verification::Subject,
};

use super::{
    policy,
    start::{Selection, StartError, StartRequest, Started},
};
use crate::{Caller, Engine, IdempotencyKey};

/// A start of a sign-in.
#[derive(Debug, Clone)]
pub struct SignInStart {
    /// The address that was given.
    pub to: Recipient,
    /// Whose it is.
    pub subject: Subject,
    /// The confirmed addresses of that person, from the store and never from the caller.
    pub fallback_to: BTreeMap<Channel, Recipient>,
    /// Over which channels.
    pub selection: Selection,
    /// What it proves.
    pub purpose: Purpose,
    /// The language of the message, as BCP 47.
    pub locale: Option<String>,
    /// What is approved.
    pub transaction: Option<Transaction>,
    /// One person's browser: an equal start with the same session joins.
    pub session: Option<String>,
    /// Whether to wait until a vendor has taken the message; only with a secret key.
    pub wait: bool,
}

impl SignInStart {
    /// What goes to the address given goes nowhere else; another address serves only channels that this one has not.
    fn split(self) -> (StartRequest, Subject) {
        let mut fallback_to = self.fallback_to;
        fallback_to.retain(|channel, other| {
            !channel.reaches(&self.to) && channel.reaches(other) && policy::could_reach(*channel, &self.to)
        });
        let request = StartRequest {
            selection: self.selection,
            fallback_to,
            locale: self.locale,
            transaction: self.transaction,
            session: self.session,
            wait: self.wait,
            ..StartRequest::new(self.to, self.purpose)
        };
        (request, self.subject)
    }
}

impl Engine {
    /// Starts a sign-in's verification, or joins a pending equal one of the same session. Either kind of key may, for any
    /// purpose: what a door offers is its own decision.
    ///
    /// # Errors
    /// Says why nothing was written, in words that fit everybody alike.
    pub async fn start_sign_in(
        self: &Arc<Self>,
        caller: &Caller,
        request: SignInStart,
        key: Option<&IdempotencyKey>,
    ) -> Result<Started, StartError> {
        let (request, subject) = request.split();
        let ladder = policy::admit_sign_in(caller, &request, &self.routes)?;
        self.begin(caller, request, ladder, Some(subject), key).await
    }
}

//! Emergency access: getting in with the master key when no code can be sent and no other way is left.
//!
//! The key is compared before anything else, in constant time. What follows is one act on the person: it charges the network
//! alone, decides, and writes the session together with its record of the audit log, or nothing; so there is no token without a
//! record, and none while the store is down. Every try is recorded and told, and a key that opened is marked until it is
//! replaced. With two approvals the first call leaves a request; the same call with its id gets in, once, after somebody else
//! approved it.
//! Afterwards each use is owed a review, which may say that it was a drill.

mod approve;
mod decide;
mod review;
mod sessions;
mod status;

use std::sync::Arc;

use backstop_domain::{
    clock::Timestamp,
    emergency::is_reason,
    id::EmergencyRequestId,
    ports::{
        StoreError,
        store::{Once, Whom},
    },
    recipient::Recipient,
    secret::SecretString,
    user::address_hash,
};

use crate::{Caller, Engine, IdempotencyKey, people::Act, sign_in::Tokens};

pub use approve::ApproveError;
use decide::{Decided, Try};
pub use review::ReviewError;
pub use sessions::EmergencySession;
pub use status::{EmergencyStatus, RequestReport};

/// Who wants to get in.
#[derive(Debug, Clone)]
pub struct EmergencyKnock {
    /// Their confirmed number.
    pub phone: Recipient,
    /// The key.
    pub master_key: SecretString,
    /// Why, in their words.
    pub reason: String,
    /// The request that somebody approved meanwhile.
    pub request: Option<EmergencyRequestId>,
}

/// What a right key led to.
#[derive(Debug)]
pub enum EmergencyAnswer {
    /// The person is in, for an hour.
    Tokens(Box<Tokens>),
    /// Somebody else has to approve it first.
    Waiting {
        /// To come back with.
        request: EmergencyRequestId,
    },
}

/// Why nobody got in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EmergencyError {
    /// No key is configured.
    #[error("emergency access is off")]
    Off,
    /// It is not the key.
    #[error("the key is wrong")]
    WrongKey,
    /// The key is right, and opens for nobody like this: unknown, suspended, or of another role.
    #[error("emergency access does not serve this person")]
    NotServed,
    /// The key is right, and does not open from there.
    #[error("emergency access is not open to this network")]
    Network,
    /// Too many wrong keys came from this network.
    #[error("too many wrong keys from this network")]
    Locked {
        /// From when on the next one is taken.
        until: Timestamp,
    },
    /// A part of the request cannot be taken.
    #[error("{field}: {problem}")]
    OutOfBounds {
        /// Which.
        field: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The request is unknown, another's, used, or over.
    #[error("the request is over")]
    RequestOver,
    /// The `Idempotency-Key` came with another body before.
    #[error("the Idempotency-Key was used for another request")]
    OtherBody,
    /// A call with this `Idempotency-Key` has not answered yet.
    #[error("a call with this Idempotency-Key is in progress")]
    InProgress,
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Lets a person in with the master key.
    ///
    /// # Errors
    /// Says why nobody got in. Every one but the last five was recorded and told.
    pub async fn sign_in_emergency(
        self: &Arc<Self>,
        caller: &Caller,
        knock: EmergencyKnock,
        key: Option<&IdempotencyKey>,
    ) -> Result<EmergencyAnswer, EmergencyError> {
        let emergency = self.emergency.as_ref().ok_or(EmergencyError::Off)?;
        let opens = emergency.opens(&knock.master_key);
        if !is_reason(&knock.reason) {
            let problem = "must say why, in 1 to 500 characters";
            return Err(EmergencyError::OutOfBounds { field: "reason", problem });
        }
        let held = self.hold(caller, key).map_err(|_| EmergencyError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let request = match knock.request {
            Some(id) => self.noting(self.store.emergency_request(id).await)?,
            None => None,
        };
        // A network of its own name: what is tried elsewhere from there does not count here.
        let network = self.network_hash(caller.network);
        let network = network.map(|hash| scene.ring.lookup("emergency network", &hash.0));
        let once = knock.request.map(|id| {
            let hash = scene.ring.lookup("emergency request", id.as_bytes());
            (hash, request.as_ref().map_or(scene.now, |request| request.ends_at()))
        });
        let act = Act {
            network,
            once,
            idempotency: held.as_ref().map(|held| held.idempotency),
            ..Act::on(Whom::Address(address_hash(&scene.ring, &knock.phone)))
        };
        let attempt = Try {
            emergency: emergency.clone(),
            opens,
            admitted: emergency.admits(caller.network),
            from: network.is_some(),
            reason: knock.reason,
            came_back: knock.request.is_some(),
            request,
        };
        let decided = self.person(&scene, act, move |scene, file| attempt.decide(scene, file)).await?;
        let decided = match decided {
            Once::OtherBody => return Err(EmergencyError::OtherBody),
            Once::Done(decided) | Once::Before(decided) => decided,
        };
        match decided {
            Decided::In { session } => {
                tracing::warn!(session.id = %session.id, "emergency access was used: replace the master key");
                Ok(EmergencyAnswer::Tokens(Box::new(self.tokens_of(&scene, *session, None)?)))
            }
            Decided::Waiting { request } => Ok(EmergencyAnswer::Waiting { request }),
            Decided::WrongKey => Err(EmergencyError::WrongKey),
            Decided::NotServed => Err(EmergencyError::NotServed),
            Decided::Network => Err(EmergencyError::Network),
            Decided::RequestOver => Err(EmergencyError::RequestOver),
            Decided::Locked { until } => Err(EmergencyError::Locked { until }),
        }
    }
}

//! What a call says, for vendors that fetch the script.
//!
//! The address of a script is a secret of one attempt: it opens nothing else, and nothing once the code is worth nothing
//! any more. It approves nothing: whoever fetches it hears what the person would.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    ports::{
        StoreError,
        provider::{Callback, CallbackRefused, Reply},
    },
    template::{self, Values},
    verification::Status,
};

use crate::Engine;

/// Why nothing is said.
#[derive(Debug, thiserror::Error)]
pub enum SpeakError {
    /// There is no such call, or it is over.
    #[error("no such call")]
    NoSuchCall,
    /// It is not the vendor who asks.
    #[error(transparent)]
    Refused(#[from] CallbackRefused),
    /// The store cannot be read now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// What a vendor's call says next.
    ///
    /// # Errors
    /// If there is no such call, or it is not its vendor who asks.
    pub async fn speak(self: &Arc<Self>, token: &str, callback: &Callback) -> Result<Reply, SpeakError> {
        let call = self.call_of(token).ok_or(SpeakError::NoSuchCall)?;
        let view =
            self.store.get(call.application, call.verification).await?.ok_or(SpeakError::NoSuchCall)?;
        let attempt = view.attempts.iter().find(|attempt| attempt.id == call.attempt);
        let attempt =
            attempt.filter(|attempt| attempt.channel == Channel::Voice).ok_or(SpeakError::NoSuchCall)?;
        let provider = self.routes.provider(&attempt.provider).ok_or(SpeakError::NoSuchCall)?;
        let speaker = provider.speaker().ok_or(SpeakError::NoSuchCall)?;
        let now = self.clock.now();
        let row = &view.verification;
        let application = self.applications().find(|application| application.id == row.application);
        let application = application.ok_or(SpeakError::NoSuchCall)?;
        if row.status_at(now) != Status::Pending {
            return Err(SpeakError::NoSuchCall);
        }
        let ring = self.keyring();
        let personal = row.open_personal(&ring).map_err(|_| SpeakError::NoSuchCall)?;
        let code = row.code(&ring, &personal).map_err(|_| SpeakError::NoSuchCall)?;
        let script = template::spoken_call(
            &code,
            &Values {
                brand: &application.brand,
                ttl: row.expires_at.since(now),
                transaction: personal.transaction.as_ref(),
                locale: row.locale.as_deref(),
            },
        );
        let again = self.public_url.as_ref().map(|base| format!("{base}/voice/{token}")).unwrap_or_default();
        Ok(speaker.speak(callback, &script, &again)?)
    }
}

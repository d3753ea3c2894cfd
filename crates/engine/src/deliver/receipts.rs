//! What vendors say later, applied.
//!
//! The guarantee: nothing that comes in here approves anything or sends twice. A callback that its vendor did not sign, or
//! that came to an address without its secret part where the vendor signs nothing, is nobody's. One that cannot be written
//! down is refused, so that the vendor says it again; one that is said again changes nothing. A receipt that names a message
//! by the vendor's id can be faster than the answer which brings that id: it is looked up again a little later, a bounded
//! number of them at a time; a crash forgets those, and the vendor's silence then is like any other.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    attempt::AttemptState,
    delivery::{LEASE, Lease},
    ports::{
        StoreError,
        provider::{Callback, CallbackRefused, Reply},
        store::{NewReceipt, Noted},
    },
    receipt::{Inbound, Receipt, ReceiptState, VendorEvent},
};
use futures::{StreamExt, stream};

use crate::Engine;

/// How many events of one callback are written down at once.
const AT_ONCE: usize = 64;
/// When a receipt for an id that nobody knows yet is looked up again: an answer takes as long as a provider's time-out.
const LOOK_AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(20)];
/// How many such receipts wait at the most.
const MOST_WAITING: usize = 1_000;

/// Why a callback was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// There is no such address.
    #[error("no provider hears receipts there")]
    NoSuchAddress,
    /// It is not the vendor's, or not readable.
    #[error(transparent)]
    Refused(#[from] CallbackRefused),
    /// It could not be written down; the vendor shall say it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Takes a callback of a vendor, and answers what the vendor wants to hear.
    ///
    /// # Errors
    /// If it is nobody's, forged, not readable, or cannot be written down now.
    pub async fn receive(
        self: &Arc<Self>,
        provider: &str,
        secret: Option<&str>,
        callback: &Callback,
    ) -> Result<Reply, ReceiveError> {
        let known = self.routes.provider(provider).ok_or(ReceiveError::NoSuchAddress)?;
        let receiver = known.receiver().ok_or(ReceiveError::NoSuchAddress)?;
        let opens = match secret {
            Some(secret) => self.opens_receipts(provider, secret),
            None => receiver.is_signed(),
        };
        if !opens {
            return Err(ReceiveError::NoSuchAddress);
        }
        let heard = receiver.receive(callback).await.inspect_err(|refused| {
            tracing::warn!(provider.name = %provider, error = %refused, "a callback was refused");
        })?;
        let mut notes =
            stream::iter(heard.events).map(|event| self.apply(provider, event)).buffer_unordered(AT_ONCE);
        let mut failed = None;
        while let Some(noted) = notes.next().await {
            failed = noted.err().or(failed);
        }
        match failed {
            Some(error) => self.noting(Err(error)).map_err(ReceiveError::Store),
            None => Ok(heard.reply),
        }
    }

    async fn apply(self: &Arc<Self>, provider: &str, event: VendorEvent) -> Result<(), StoreError> {
        match event {
            VendorEvent::Inbound(inbound) => self.heed(provider, inbound).await,
            VendorEvent::Receipt(receipt) => {
                let known = self.note(provider, &receipt).await?;
                if !known {
                    self.look_again(provider, receipt);
                }
                Ok(())
            }
        }
    }

    async fn heed(&self, provider: &str, inbound: Inbound) -> Result<(), StoreError> {
        let from = backstop_domain::recipient::Recipient::Phone(inbound.from);
        let recipient = self.keyring().lookup("recipient", from.limit_key().as_bytes());
        self.store.heed(recipient, inbound.channel, inbound.word, self.clock.now()).await?;
        tracing::info!(provider.name = %provider, channel = %inbound.channel, recipient = %from.masked(), word = ?inbound.word, "a person answered");
        Ok(())
    }

    /// Writes a receipt down and draws its consequences. Says whether there is such an attempt.
    async fn note(self: &Arc<Self>, provider: &str, receipt: &Receipt) -> Result<bool, StoreError> {
        let now = self.clock.now();
        // Without room here the delivery is left to whoever looks next.
        let place = self.workload.enter();
        let until = if place.is_some() { now + LEASE } else { now };
        let noted = self
            .store
            .note(NewReceipt {
                provider: provider.to_owned(),
                receipt: receipt.clone(),
                counted: self.routes.is_counted(provider),
                lease: Lease { holder: self.node, until },
                now,
            })
            .await?;
        let Noted::Noted { attempt, news, goes_on } = noted else { return Ok(false) };
        if !news {
            return Ok(true);
        }
        tracing::info!(verification.id = %attempt.verification, attempt.id = %attempt.id, provider.name = %provider, channel = %attempt.channel, state = %attempt.state, reason = receipt.rejection.map(|rejection| rejection.reason.as_str()), "receipt");
        self.routes.told(provider, attempt.channel, attempt.id, receipt, now);
        self.learning.told(&attempt, receipt.state, now);
        let is_heard = self.workload.tell(&attempt);
        // A courier that has just left may have taken the answer for the last word; then the delivery is still leased to this
        // node.
        let is_left = !is_heard && attempt.state != AttemptState::Delivered;
        if (goes_on || is_left)
            && let Some(place) = place
        {
            self.hand_over(place, attempt.application, attempt.verification, attempt.delivery);
        }
        Ok(true)
    }

    fn look_again(self: &Arc<Self>, provider: &str, receipt: Receipt) {
        let matters = receipt.state != ReceiptState::OnItsWay;
        let Some(waiting) = matters.then(|| self.workload.await_answer(MOST_WAITING)).flatten() else {
            return;
        };
        let (engine, provider) = (self.clone(), provider.to_owned());
        self.tasks.spawn(Box::pin(async move {
            let _waiting = waiting;
            for span in LOOK_AGAIN {
                engine.tasks.sleep(span).await;
                if !matches!(engine.note(&provider, &receipt).await, Ok(false)) {
                    return;
                }
            }
            tracing::debug!(provider.name = %provider, "a receipt for a message that is not ours");
        }));
    }
}

//! Sending the same code once more: a new delivery of the same verification.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    id::{DeliveryId, VerificationId},
    limit::LimitExceeded,
    ports::{
        StoreError,
        store::{NewDelivery, Once, Refusal, Resent},
    },
    recipient::Recipient,
    verification::Status,
};

use super::policy::{self, ChannelRefused};
use crate::{Caller, Engine, IdempotencyKey, VerificationReport, idempotency::Held};

/// A resend.
#[derive(Debug, Clone, Copy)]
pub struct ResendRequest {
    /// Of which verification.
    pub id: VerificationId,
    /// Over this channel instead of the ladder.
    pub channel: Option<Channel>,
}

/// Why nothing was sent again. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResendError {
    /// No such verification of this application.
    #[error("no such verification")]
    NotFound,
    /// It is no longer pending.
    #[error("the verification has ended: {0}")]
    Ended(Status),
    /// The named channel cannot be used.
    #[error(transparent)]
    Channel(#[from] ChannelRefused),
    /// A limit said no.
    #[error("limit {} is used up", .0.limit)]
    Limited(LimitExceeded),
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
    /// Sends the same code once more.
    ///
    /// # Errors
    /// Says why nothing was written.
    pub async fn resend(
        self: &Arc<Self>,
        caller: &Caller,
        request: ResendRequest,
        key: Option<&IdempotencyKey>,
    ) -> Result<VerificationReport, ResendError> {
        let application = &caller.application;
        let view = self.store.get(application.id, request.id).await?.ok_or(ResendError::NotFound)?;
        let row = &view.verification;
        if !caller.authority.may_see(row) {
            return Err(ResendError::NotFound);
        }
        if let Some(channel) = request.channel {
            self.admit_channel(caller, &view, channel)?;
        }
        let held = self.hold(caller, key).map_err(|_| ResendError::InProgress)?;
        let now = self.clock.now();
        let delivery = DeliveryId::new(now, self.random.as_ref());
        // A page pays for its own network; an application told us whose it was at the start.
        let network =
            if caller.authority.is_public() { self.network_hash(caller.network) } else { row.network };
        let place = self.workload.enter();
        let resent = self
            .store
            .resend(NewDelivery {
                application: application.id,
                verification: request.id,
                delivery,
                ladder: request.channel.map(|channel| vec![channel]),
                lease: self.lease(place.as_ref(), now),
                rules: application.limits.for_delivery(application.id, row.recipient, network),
                authority: caller.authority,
                network,
                resend_after: application.limits.resend_after,
                idempotency: Held::of(held.as_ref()),
                now,
            })
            .await;
        let resent = self.noting(resent)?;
        match resent {
            Once::OtherBody => return Err(ResendError::OtherBody),
            Once::Done(Resent::Queued(_)) => {
                if let Some(place) = place {
                    self.hand_over(place, application.id, request.id, delivery);
                }
            }
            Once::Before(Resent::Queued(_)) => {}
            Once::Done(other) | Once::Before(other) => {
                return Err(match other {
                    Resent::Refused(Refusal(limit)) => ResendError::Limited(limit),
                    Resent::Ended(status) => ResendError::Ended(status),
                    Resent::NotFound | Resent::Queued(_) => ResendError::NotFound,
                });
            }
        }
        self.report(caller, request.id).await?.ok_or(ResendError::NotFound)
    }

    fn admit_channel(
        &self,
        caller: &Caller,
        view: &backstop_domain::ports::store::VerificationView,
        channel: Channel,
    ) -> Result<(), ResendError> {
        let row = &view.verification;
        let personal = row
            .open_personal(&self.keyring())
            .map_err(|error| StoreError::Internal(format!("verification {}: {error}", row.id)))?;
        let reaches = match row.subject {
            Some(_) => policy::could_reach(channel, &Recipient::restore(personal.to)),
            None => personal.recipient_for(channel).is_some(),
        };
        policy::admit_channel(caller, &row.purpose, channel, reaches, &self.routes)?;
        if !self.routes.carries(&caller.application, row.vendor_check.as_deref(), channel) {
            return Err(ChannelRefused::NotConfigured(channel).into());
        }
        Ok(())
    }
}

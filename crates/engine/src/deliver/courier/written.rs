//! What a courier writes down beside its attempts: leases, answers, and the end of the delivery.
//!
//! A vendor says an answer only once, so it is written as often as it takes while the code lives. A crash in between
//! leaves the attempt `sending`, and whoever takes the delivery over calls it unknown.

use backstop_domain::{
    attempt::AttemptState,
    delivery::{DeliveryState, LEASE, Lease},
    outcome::{Outcome, Reason},
    ports::{provider::Sent, store::AttemptResult},
};

use super::{Courier, Landed, STORE_PAUSE};

impl Courier {
    pub(super) async fn renew(&mut self) {
        let now = self.engine.now();
        let delivery = &self.task.delivery;
        let lease = Lease { holder: self.engine.node, until: now + LEASE };
        let ours = vec![(delivery.application, delivery.verification, delivery.id)];
        match self.engine.store.renew(ours, lease).await {
            Ok(lost) if lost.is_empty() => self.lease_until = lease.until,
            Ok(_) => self.done = true,
            Err(error) => {
                tracing::warn!(delivery.id = %delivery.id, %error, "a lease could not be renewed");
                self.pause(STORE_PAUSE).await;
            }
        }
    }

    /// Draws the consequences of an answer and writes it down.
    pub(super) async fn land(&mut self, landed: Landed) {
        let now = self.engine.now();
        let id = landed.id;
        let too_late = landed.sent.is_none();
        let sent = landed.sent.unwrap_or_else(|| {
            Sent::new(Outcome::Unknown, "not sent: it was written down, and then this process stood still")
        });
        let Some(index) = self.entries.iter().position(|entry| entry.id == id) else { return };
        let region = self.region(self.entries[index].tried.channel);
        let entry = &mut self.entries[index];
        let state = AttemptState::after(&sent.outcome);
        let rejection = match &sent.outcome {
            Outcome::Rejected(rejection) => Some(*rejection),
            Outcome::Accepted { .. } | Outcome::Unknown => None,
        };
        entry.tried.state = state;
        entry.tried.rejection = rejection;
        entry.tried.finished_at = Some(now);
        let (channel, provider) = (entry.tried.channel, entry.tried.provider.clone());
        if too_late {
            self.engine.routes.release(&provider, id);
            tracing::warn!(verification.id = %self.task.verification.id, attempt.id = %id, provider.name = %provider, channel = %channel, "not sent: this process stood still until the lease or the code had ended");
        } else {
            self.engine.routes.settled(&provider, (channel, region), id, &sent.outcome, now);
            tracing::info!(verification.id = %self.task.verification.id, attempt.id = %id, provider.name = %provider, channel = %channel, outcome = sent.outcome.as_str(), "sent");
        }
        let accepted = state == AttemptState::Accepted;
        let vendor_id = match &sent.outcome {
            Outcome::Accepted { vendor_id } => vendor_id.clone(),
            Outcome::Rejected(_) | Outcome::Unknown => None,
        };
        // Only what was surely taken is surely billed.
        let listed = accepted.then(|| self.engine.routes.price(&provider, region)).flatten();
        let price = sent.price.or_else(|| listed.map(|price| price.to_string()));
        self.record(AttemptResult {
            id,
            application: self.task.verification.application,
            verification: self.task.verification.id,
            delivery: self.task.delivery.id,
            state,
            outcome: sent.outcome.as_str().to_owned(),
            rejection,
            vendor_id,
            vendor_response: Some(sent.response),
            price,
            opt_out: rejection.is_some_and(|rejection| rejection.reason == Reason::OptedOut),
            delivery_state: accepted.then_some(DeliveryState::Sent),
            now,
        })
        .await;
        if accepted {
            self.engine.workload.taken(self.task.delivery.id, Some((channel, provider)));
        }
    }

    /// Writes an answer down, as often as it takes while the code lives: the vendor has said it only once. A store that
    /// can be written and still refuses it will refuse it again.
    async fn record(&mut self, result: AttemptResult) {
        while let Err(error) = self.engine.store.finish_attempt(result.clone()).await {
            tracing::warn!(attempt.id = %result.id, %error, "a vendor's answer could not be written down");
            let lasting = !error.passes();
            if lasting || self.engine.now() >= self.task.verification.expires_at {
                return;
            }
            self.engine.tasks.sleep(STORE_PAUSE).await;
        }
    }

    /// Closes the delivery: nothing more goes out. What is still in the air may say otherwise when it lands.
    pub(super) async fn finish(&mut self) {
        let row = &self.task.verification;
        let (delivery, state) = (&self.task.delivery, DeliveryState::Undeliverable);
        let written = self.engine.store.finish(delivery, state, self.engine.node, self.engine.now()).await;
        match written {
            Ok(()) => self.done = true,
            Err(error) => {
                tracing::warn!(delivery.id = %self.task.delivery.id, %error, "the end of a delivery could not be written down");
                if self.engine.now() >= row.expires_at {
                    self.done = true;
                }
                self.pause(STORE_PAUSE).await;
            }
        }
    }
}

//! What a courier writes down beside its attempts: leases, answers, and the end of the delivery.
//!
//! A vendor says an answer only once, so it is written as often as it takes while the code lives. A crash in between
//! leaves the attempt `sending`, and whoever takes the delivery over calls it unknown.

use backstop_domain::{
    attempt::AttemptState,
    clock::Timestamp,
    delivery::{DeliveryState, LEASE, Lease},
    id::AttemptId,
    outcome::{Outcome, Reason},
    ports::{
        provider::Sent,
        store::{AttemptResult, Reservation, Settlement},
    },
    ranking::End,
    recipient::Region,
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
        // A receipt may have said more already.
        if entry.tried.state == AttemptState::Sending {
            entry.tried.state = state;
            entry.tried.rejection = rejection;
        }
        entry.tried.finished_at = Some(now);
        let (channel, provider) = (entry.tried.channel, entry.tried.provider.clone());
        if too_late {
            self.engine.routes.release(&provider, id);
            self.engine.learning.drop(id);
            tracing::warn!(verification.id = %self.task.verification.id, attempt.id = %id, provider.name = %provider, channel = %channel, "not sent: this process stood still until the lease or the code had ended");
        } else {
            self.engine.routes.settled(&provider, (channel, region), id, &sent.outcome, now);
            self.learn(id, &sent.outcome, now);
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
        let silent_at =
            accepted.then(|| self.engine.routes.silent_at(&provider, channel, now, now)).flatten();
        self.entries[index].tried.silent_at = silent_at;
        // Whoever follows a silence asks the plan again, and gives the lease up when nothing is left.
        let goes_on = !accepted && !self.done && self.task.delivery.state == DeliveryState::Sent;
        // An answer beside a message that another vendor has: that one's silence is still to be looked at.
        let ours = self.entries.iter().filter(|entry| entry.tried.round.is_some());
        let taken = ours.filter(|entry| entry.tried.state == AttemptState::Accepted);
        let rests_until = silent_at.or_else(|| taken.filter_map(|entry| entry.tried.silent_at).max());
        let handles = self.handles(&provider, vendor_id.as_deref());
        let settlement = self.settlement(id, &provider, region, state, price.as_deref(), too_late);
        self.record(AttemptResult {
            id,
            handles,
            settlement,
            silent_at: rests_until,
            goes_on,
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

    /// Tells the ranking. From the moment that a second message was taken, nobody can say which one helped.
    fn learn(&self, id: AttemptId, outcome: &Outcome, now: Timestamp) {
        let learning = &self.engine.learning;
        learning.answered(id, outcome, now);
        if matches!(outcome, Outcome::Accepted { .. }) {
            let others = self.entries.iter().filter(|entry| entry.id != id);
            for other in others.filter(|entry| entry.tried.state.may_have_reached()) {
                learning.ended(other.id, End::Censored, now);
            }
        }
    }

    /// The vendor's ids by which it will name the message in receipts, if it names it by nothing else.
    fn handles(&self, provider: &str, vendor_id: Option<&str>) -> Vec<String> {
        let needed = vendor_id.filter(|_| self.engine.routes.finds_by_vendor_id(provider));
        needed.into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect()
    }

    /// What became of the money that was set aside when the attempt was written down.
    fn settlement(
        &self,
        id: AttemptId,
        provider: &str,
        region: Option<Region>,
        state: AttemptState,
        price: Option<&str>,
        unsent: bool,
    ) -> Option<(Reservation, Settlement)> {
        let started_at = self.entries.iter().find(|entry| entry.id == id)?.tried.started_at;
        let reservation = self.engine.routes.reservation(provider, region, started_at)?;
        let settlement = match state {
            _ if unsent => Settlement::GivenBack,
            AttemptState::Rejected => Settlement::GivenBack,
            AttemptState::Unknown => Settlement::Kept,
            _ => Settlement::Cost(price.and_then(|price| price.parse().ok()).unwrap_or(reservation.price)),
        };
        Some((reservation, settlement))
    }

    /// A vendor has it. A delivery that was taken over after it had been sent gives its lease up again.
    pub(super) async fn rest(&mut self) {
        self.done = true;
        if self.task.delivery.state == DeliveryState::Sent {
            let (delivery, state) = (&self.task.delivery, DeliveryState::Sent);
            let written =
                self.engine.store.finish(delivery, state, self.engine.node, self.engine.now()).await;
            if let Err(error) = written {
                tracing::warn!(delivery.id = %delivery.id, %error, "a lease could not be given up; it ends by itself");
            }
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

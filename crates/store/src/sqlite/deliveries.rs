//! The outbox: what is owed, who works on it, and what was tried.
//!
//! A delivery is leased to one holder until a moment. Every write of a worker names its holder and does nothing once
//! another has it, so a worker that was only paused cannot go on with old work. An attempt is in the rows before its
//! request leaves; a crash leaves it `sending`, and whoever takes the delivery over calls it `unknown` and goes on.
//! States move forward only, for attempts and deliveries alike.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    attempt::AttemptState,
    channel::Channel,
    clock::Timestamp,
    delivery::{Delivery, DeliveryState, Lease},
    id::{DeliveryId, NodeId, VerificationId},
    keyring::LookupHash,
    ports::store::{
        AttemptResult, Begun, Deliveries, DeliveryTask, NewAttempt, NewReceipt, Noted, StoreError,
    },
    receipt::InboundWord,
};
use rusqlite::{Connection, params};

use super::{SqliteStore, lookups, receipts::heed, writer::Unit};
use crate::{
    acts::{answers, attempts, held_by, receipts},
    error::Result,
    rows,
};

/// Deliveries that one call of recovery looks at, so that callers do not stand behind it; the next call goes on.
const MOST_SEEN: usize = 2000;

#[async_trait]
impl Deliveries for SqliteStore {
    async fn task(
        &self,
        application: ApplicationId,
        verification: VerificationId,
        delivery: DeliveryId,
        holder: NodeId,
    ) -> std::result::Result<Option<DeliveryTask>, StoreError> {
        self.read(move |connection| {
            let found = lookups::delivery(connection, application, verification, delivery)?;
            let leased = found.filter(|delivery| held_by(delivery.lease, holder));
            leased.map_or(Ok(None), |delivery| lookups::task(connection, delivery))
        })
        .await
    }

    async fn begin_attempt(&self, attempt: NewAttempt) -> std::result::Result<Begun, StoreError> {
        self.write(move |unit| attempts::begin(unit, &attempt)).await
    }

    async fn finish_attempt(&self, result: AttemptResult) -> std::result::Result<(), StoreError> {
        self.write(move |unit| answers::finish_attempt(unit, &result)).await
    }

    async fn note(&self, receipt: NewReceipt) -> std::result::Result<Noted, StoreError> {
        self.write(move |unit| receipts::note(unit, &receipt)).await
    }

    async fn heed(
        &self,
        recipient: LookupHash,
        channel: Channel,
        word: InboundWord,
        now: Timestamp,
    ) -> std::result::Result<(), StoreError> {
        self.write(move |unit| heed(unit, recipient, channel, word, now)).await
    }

    async fn finish(
        &self,
        delivery: &Delivery,
        state: DeliveryState,
        holder: NodeId,
        now: Timestamp,
    ) -> std::result::Result<(), StoreError> {
        let key = (delivery.application, delivery.verification, delivery.id);
        self.write(move |unit| attempts::finish(unit, key, state, holder, now)).await
    }

    async fn renew(
        &self,
        deliveries: Vec<(ApplicationId, VerificationId, DeliveryId)>,
        lease: Lease,
    ) -> std::result::Result<Vec<DeliveryId>, StoreError> {
        self.write(move |unit| attempts::renew(unit, &deliveries, lease)).await
    }

    async fn recover(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> std::result::Result<Vec<DeliveryTask>, StoreError> {
        self.write(move |unit| recover(unit, lease, now, limit)).await
    }

    async fn release(&self, holder: NodeId, now: Timestamp) -> std::result::Result<(), StoreError> {
        self.write(move |unit| {
            unit.memory.see(now);
            let release =
                "UPDATE deliveries SET lease_until = ?2 WHERE lease_until > ?2 AND lease_holder = ?1";
            unit.connection.execute(release, params![holder.to_string(), now.as_millis()])?;
            Ok(())
        })
        .await
    }
}

fn recover(unit: &mut Unit, lease: Lease, now: Timestamp, limit: u32) -> Result<Vec<DeliveryTask>> {
    unit.memory.see(now);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut tasks, mut seen) = (Vec::new(), 0);
    loop {
        let wanted = limit - tasks.len();
        let left = left_behind(&unit.connection, now, wanted)?;
        let all = left.len() < wanted;
        seen += left.len();
        for mut delivery in left {
            take_over(unit, &delivery, lease, now)?;
            let (application, verification) = (delivery.application, delivery.verification);
            let is_open = match delivery.state {
                DeliveryState::Queued => true,
                // The person may have come back with the code; then silence means nothing.
                DeliveryState::Sent => lookups::waits(&unit.connection, application, verification, now)?,
                DeliveryState::Delivered | DeliveryState::Undeliverable => false,
            };
            if !is_open {
                let key = (application, verification, delivery.id);
                answers::end(unit, key, delivery.state, delivery.state, None)?;
                continue;
            }
            delivery.lease = Some(lease);
            let id = delivery.id;
            match lookups::task(&unit.connection, delivery).map_err(StoreError::from) {
                Ok(task) => tasks.extend(task),
                // One damaged row must not keep all others from being taken over; this one is tried again when the
                // lease that it has now ends.
                Err(error @ StoreError::BadRow { .. }) => {
                    tracing::error!(delivery.id = %id, %error, "a delivery cannot be taken over");
                }
                Err(error) => return Err(error.into()),
            }
        }
        // A lease that ends at once would be found again, and again.
        if all || tasks.len() >= limit || seen >= MOST_SEEN || lease.until <= now {
            return Ok(tasks);
        }
    }
}

/// Deliveries whose lease has ended, the one that ended first first.
fn left_behind(connection: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {} FROM deliveries WHERE lease_until IS NOT NULL AND lease_until <= ?1 \
         ORDER BY lease_until, application_id, verification_id, id LIMIT ?2",
        rows::DELIVERY
    );
    let mut query = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    query.query_and_then(params![now.as_millis(), limit], |row| rows::delivery(row))?.collect()
}

fn take_over(unit: &Unit, delivery: &Delivery, lease: Lease, now: Timestamp) -> Result<()> {
    let (verification, id) = (delivery.verification.to_string(), delivery.id.to_string());
    let changed = unit
        .connection
        .prepare_cached(
            "UPDATE deliveries SET lease_holder = ?4, lease_until = ?5 \
             WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
        )?
        .execute(params![
            delivery.application.0,
            verification,
            id,
            lease.holder.to_string(),
            lease.until.as_millis()
        ])?;
    lookups::one(changed, "taking a delivery over")?;
    unit.connection
        .prepare_cached(
            "UPDATE attempts SET state = ?4, outcome = ?4, finished_at = ?5 WHERE application_id = ?1 \
             AND verification_id = ?2 AND delivery_id = ?3 AND state = 'sending'",
        )?
        .execute(params![
            delivery.application.0,
            verification,
            id,
            AttemptState::Unknown.as_str(),
            now.as_millis()
        ])?;
    Ok(())
}

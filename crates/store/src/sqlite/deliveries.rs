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
    clock::Timestamp,
    delivery::{Delivery, DeliveryState, Lease},
    id::{DeliveryId, NodeId, VerificationId},
    plan::MAX_MESSAGES,
    ports::store::{AttemptResult, Begun, Deliveries, DeliveryTask, NewAttempt, StoreError},
};
use rusqlite::{Connection, params};

use super::{SqliteStore, fields::Fields, lookups, paces, rows, writer::Unit};
use crate::error::Result;

mod answers;

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
            let leased = found.filter(|delivery| held_by(delivery, holder));
            leased.map_or(Ok(None), |delivery| lookups::task(connection, delivery))
        })
        .await
    }

    async fn begin_attempt(&self, attempt: NewAttempt) -> std::result::Result<Begun, StoreError> {
        self.write(move |unit| begin(unit, &attempt)).await
    }

    async fn finish_attempt(&self, result: AttemptResult) -> std::result::Result<(), StoreError> {
        self.write(move |unit| answers::finish_attempt(unit, &result)).await
    }

    async fn finish(
        &self,
        delivery: &Delivery,
        state: DeliveryState,
        holder: NodeId,
        now: Timestamp,
    ) -> std::result::Result<(), StoreError> {
        let (application, verification, id) = (delivery.application, delivery.verification, delivery.id);
        self.write(move |unit| {
            unit.memory.see(now);
            match lookups::delivery(&unit.connection, application, verification, id)? {
                Some(row) if held_by(&row, holder) => {
                    answers::end(unit, (application, verification, id), row.state, state)
                }
                _ => Ok(()),
            }
        })
        .await
    }

    async fn renew(
        &self,
        deliveries: Vec<(ApplicationId, VerificationId, DeliveryId)>,
        lease: Lease,
    ) -> std::result::Result<Vec<DeliveryId>, StoreError> {
        self.write(move |unit| {
            let mut lost = Vec::new();
            for (application, verification, id) in &deliveries {
                if !renew(unit, *application, *verification, *id, lease)? {
                    lost.push(*id);
                }
            }
            Ok(lost)
        })
        .await
    }

    async fn recover(
        &self,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> std::result::Result<Vec<DeliveryTask>, StoreError> {
        self.write(move |unit| recover(unit, lease, now, limit)).await
    }
}

fn held_by(delivery: &Delivery, holder: NodeId) -> bool {
    delivery.lease.is_some_and(|lease| lease.holder == holder)
}

fn begin(unit: &mut Unit, new: &NewAttempt) -> Result<Begun> {
    unit.memory.see(new.now);
    let connection = &unit.connection;
    let Some(standing) = standing(connection, new)? else { return Ok(Begun::LeaseLost) };
    if !standing.may_send {
        return Ok(Begun::Ended);
    }
    if let Err(until) = paces::take(connection, &new.provider, &new.pace, new.now)? {
        return Ok(Begun::Paced { until });
    }
    rows::insert_attempt(connection, new)?;
    if standing.leased_until != new.lease.until {
        renew(unit, new.application, new.verification, new.delivery, new.lease)?;
    }
    Ok(Begun::Send)
}

/// What decides whether an attempt may leave.
struct Standing {
    leased_until: Timestamp,
    may_send: bool,
}

/// How a delivery of this holder stands; `None` if it is another's or done.
fn standing(connection: &Connection, new: &NewAttempt) -> Result<Option<Standing>> {
    let mut query = connection.prepare_cached(
        "SELECT d.application_id, d.verification_id, d.id, d.lease_until, \
         ifnull(v.status = 'pending' AND v.expires_at > ?5, 0) AND (SELECT count(*) FROM attempts a \
         WHERE a.application_id = ?1 AND a.verification_id = ?2 AND a.state <> 'rejected') < ?6 \
         FROM deliveries d LEFT JOIN verifications v \
         ON v.application_id = d.application_id AND v.id = d.verification_id \
         WHERE d.application_id = ?1 AND d.verification_id = ?2 AND d.id = ?3 AND d.lease_holder = ?4",
    )?;
    let key = params![
        new.application.0,
        new.verification.to_string(),
        new.delivery.to_string(),
        new.lease.holder.to_string(),
        new.now.as_millis(),
        MAX_MESSAGES as i64
    ];
    let mut found = query.query_and_then(key, |row| -> Result<Standing> {
        let mut fields = Fields::after_key(row, "deliveries", 3);
        Ok(Standing { leased_until: fields.moment("lease_until")?, may_send: fields.take("may_send")? })
    })?;
    found.next().transpose()
}

/// Renews a lease. Says whether it is still the holder's.
fn renew(
    unit: &Unit,
    application: ApplicationId,
    verification: VerificationId,
    id: DeliveryId,
    lease: Lease,
) -> Result<bool> {
    let changed = unit
        .connection
        .prepare_cached(
            "UPDATE deliveries SET lease_until = ?5 \
             WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3 AND lease_holder = ?4",
        )?
        .execute(params![
            application.0,
            verification.to_string(),
            id.to_string(),
            lease.holder.to_string(),
            lease.until.as_millis()
        ])?;
    Ok(changed == 1)
}

fn recover(unit: &mut Unit, lease: Lease, now: Timestamp, limit: u32) -> Result<Vec<DeliveryTask>> {
    unit.memory.see(now);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut tasks = Vec::new();
    loop {
        let wanted = limit - tasks.len();
        let left = left_behind(&unit.connection, now, wanted)?;
        let all = left.len() < wanted;
        for mut delivery in left {
            take_over(unit, &delivery, lease, now)?;
            if delivery.state != DeliveryState::Queued {
                // A vendor took it; the crash only left the fate of another attempt open.
                let key = (delivery.application, delivery.verification, delivery.id);
                answers::end(unit, key, delivery.state, delivery.state)?;
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
        if all || tasks.len() >= limit || lease.until <= now {
            return Ok(tasks);
        }
    }
}

/// Open deliveries whose lease has ended, the one that ended first first.
fn left_behind(connection: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {} FROM deliveries WHERE lease_until IS NOT NULL AND lease_until <= ?1 \
         ORDER BY lease_until, application_id, verification_id, id LIMIT ?2",
        rows::DELIVERY
    );
    let mut query = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    query.query_and_then(params![now.as_millis(), limit], rows::delivery)?.collect()
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

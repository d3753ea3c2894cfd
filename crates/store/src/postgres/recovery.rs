//! Taking deliveries over whose lease has ended, and reading what a worker needs.
//!
//! Nodes that look at the same time do not wait for each other: each takes what no other is just taking. Whoever held
//! the lease before and is only paused finds it gone.

use std::collections::BTreeMap;

use backstop_domain::{
    application::ApplicationId,
    attempt::Attempt,
    clock::Timestamp,
    delivery::{Delivery, DeliveryState, Lease},
    id::NodeId,
    ports::store::{DeliveryTask, StoreError},
    verification::Verification,
};
use tokio_postgres::Row;

use super::{
    ledger::{VerificationKey, load::Columns},
    opt_outs, read,
    session::Session,
};
use crate::{
    acts::{DeliveryKey, held_by},
    error::Result,
    fields::Fields,
    rows,
};

fn left_behind_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "SELECT {}, coalesce((SELECT v.status = 'pending' AND v.expires_at > $1 FROM verifications v \
             WHERE v.application_id = d.application_id AND v.id = d.verification_id), FALSE) AS waits \
             FROM deliveries d WHERE lease_until IS NOT NULL AND lease_until <= $1 \
             ORDER BY lease_until, application_id, verification_id, id LIMIT $2 FOR UPDATE OF d SKIP LOCKED",
            rows::DELIVERY
        )
    });
    &SQL
}

fn one_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "SELECT {} FROM deliveries WHERE application_id = $1 AND verification_id = $2 AND id = $3",
            rows::DELIVERY
        )
    });
    &SQL
}

const GIVE_UP: &str = "UPDATE attempts t SET state = 'unknown', outcome = 'unknown', finished_at = $4 \
     FROM unnest($1::bigint[], $2::text[], $3::text[]) w (a, v, d) \
     WHERE t.application_id = w.a AND t.verification_id = w.v AND t.delivery_id = w.d AND t.state = 'sending'";

/// Leases what is open and lets the rest be done.
const TAKE_OVER: &str = "UPDATE deliveries d \
     SET lease_holder = CASE WHEN w.open THEN $5::text END, lease_until = CASE WHEN w.open THEN $6::bigint END \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bool[]) w (a, v, d, open) \
     WHERE d.application_id = w.a AND d.verification_id = w.v AND d.id = w.d";

/// Locks in the order that batches lock in.
const RELEASE: &str = "UPDATE deliveries d SET lease_until = $2 FROM (\
     SELECT application_id, verification_id, id FROM deliveries WHERE lease_until > $2 AND lease_holder = $1 \
     ORDER BY application_id, verification_id, id FOR UPDATE) h \
     WHERE d.application_id = h.application_id AND d.verification_id = h.verification_id AND d.id = h.id";

/// Ends the leases of a holder.
pub(super) async fn release(session: &mut Session, holder: NodeId, now: Timestamp) -> Result<()> {
    let release = session.prepare(RELEASE).await?;
    session.client().execute(&release, &[&holder.to_string(), &now.as_millis()]).await?;
    Ok(())
}

/// Deliveries that one call of recovery looks at, so that its caller is answered in time; the next call goes on.
const MOST_SEEN: usize = 2000;

/// Takes over up to `limit` deliveries, those first whose lease ended first.
pub(super) async fn recover(
    session: &mut Session,
    lease: Lease,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<DeliveryTask>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut tasks, mut seen) = (Vec::new(), 0);
    loop {
        let wanted = limit - tasks.len();
        let (found, count) = match round(session, lease, now, wanted).await {
            // What the rounds before took over is ours and must be worked on.
            Err(error) if !tasks.is_empty() => {
                tracing::warn!(%error, "recovery could not go on");
                session.roll_back().await?;
                return Ok(tasks);
            }
            other => other?,
        };
        tasks.extend(found);
        seen += count;
        // A lease that ends at once would be found again, and again.
        if count < wanted || tasks.len() >= limit || seen >= MOST_SEEN || lease.until <= now {
            return Ok(tasks);
        }
    }
}

/// One transaction of it. Says how many there were, with those that are done.
async fn round(
    session: &mut Session,
    lease: Lease,
    now: Timestamp,
    wanted: usize,
) -> Result<(Vec<DeliveryTask>, usize)> {
    session.begin().await?;
    let (open, count) = take_over(session, lease, now, wanted).await?;
    let tasks = read_tasks(session, open).await?;
    session.commit().await?;
    Ok((tasks, count))
}

/// Says which deliveries are open, and how many were looked at.
async fn take_over(
    session: &mut Session,
    lease: Lease,
    now: Timestamp,
    limit: usize,
) -> Result<(Vec<Delivery>, usize)> {
    let find = session.prepare(left_behind_sql()).await?;
    let (give_up, take) = (session.prepare(GIVE_UP).await?, session.prepare(TAKE_OVER).await?);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = session.client().query(&find, &[&now.as_millis(), &limit]).await?;
    let (mut left, mut open) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
    for row in &found {
        match left_open(row).map_err(StoreError::from) {
            Ok((delivery, is_open)) => {
                left.push(delivery);
                open.push(is_open);
            }
            Err(error @ StoreError::BadRow { .. }) => {
                tracing::error!(%error, "a delivery cannot be taken over")
            }
            Err(error) => return Err(error.into()),
        }
    }
    let applications: Vec<i64> = left.iter().map(|delivery| delivery.application.0).collect();
    let verifications: Vec<String> = left.iter().map(|delivery| delivery.verification.to_string()).collect();
    let ids: Vec<String> = left.iter().map(|delivery| delivery.id.to_string()).collect();
    let (holder, until) = (lease.holder.to_string(), lease.until.as_millis());
    let client = session.client();
    client.execute(&give_up, &[&applications, &verifications, &ids, &now.as_millis()]).await?;
    client.execute(&take, &[&applications, &verifications, &ids, &open, &holder, &until]).await?;
    let count = left.len();
    let open = left.into_iter().zip(open).filter(|(_, is_open)| *is_open);
    Ok((open.map(|(delivery, _)| Delivery { lease: Some(lease), ..delivery }).collect(), count))
}

/// A delivery, and whether there is anything to do for it. One that was taken is looked at only while its verification
/// waits: the person may have come back with the code, and then silence means nothing.
fn left_open(row: &Row) -> Result<(Delivery, bool)> {
    let delivery = rows::delivery(row)?;
    let waits: bool = row.try_get("waits")?;
    let is_open = match delivery.state {
        DeliveryState::Queued => true,
        DeliveryState::Sent => waits,
        DeliveryState::Delivered | DeliveryState::Undeliverable => false,
    };
    Ok((delivery, is_open))
}

/// A delivery that `holder` has leased, with all that a worker needs.
pub(super) async fn task(
    session: &mut Session,
    (application, verification, id): DeliveryKey,
    holder: NodeId,
) -> Result<Option<DeliveryTask>> {
    let statement = session.prepare(one_sql()).await?;
    let found = session
        .client()
        .query_opt(&statement, &[&application.0, &verification.to_string(), &id.to_string()])
        .await?;
    let delivery = found.as_ref().map(rows::delivery).transpose()?;
    match delivery.filter(|delivery| held_by(delivery.lease, holder)) {
        Some(delivery) => Ok(read_tasks(session, vec![delivery]).await?.pop()),
        None => Ok(None),
    }
}

/// One damaged row must not keep all others from being worked on; it is tried again when its lease ends.
async fn read_tasks(session: &mut Session, deliveries: Vec<Delivery>) -> Result<Vec<DeliveryTask>> {
    let keys = Columns::of(deliveries.iter().map(|delivery| (delivery.application, delivery.verification)));
    let mut verifications: BTreeMap<VerificationKey, Verification> = BTreeMap::new();
    for row in &read::verifications(session, &keys).await? {
        if let Some(row) = readable(rows::verification(row))? {
            verifications.insert((row.application, row.id), row);
        }
    }
    let mut attempts: BTreeMap<VerificationKey, Vec<Attempt>> = BTreeMap::new();
    for row in &read::attempts(session, &keys).await? {
        match readable(rows::attempt(row))? {
            Some(row) => attempts.entry((row.application, row.verification)).or_default().push(row),
            None => {
                let mut fields = Fields::of(row, "attempts", 3);
                let application = ApplicationId(fields.take("application_id")?);
                verifications.remove(&(application, fields.parsed("verification_id")?));
            }
        }
    }
    let recipients: Vec<_> = verifications.values().map(|row| (row.application, row.recipient)).collect();
    let unwanted = opt_outs::read(session, &recipients).await?;
    let task = |delivery: Delivery| {
        let key = (delivery.application, delivery.verification);
        let verification = verifications.get(&key)?.clone();
        let opted_out = unwanted.get(&(key.0, verification.recipient)).cloned().unwrap_or_default();
        let attempts = attempts.get(&key).cloned().unwrap_or_default();
        Some(DeliveryTask { delivery, verification, attempts, opted_out })
    };
    Ok(deliveries.into_iter().filter_map(task).collect())
}

fn readable<T>(row: Result<T>) -> Result<Option<T>> {
    match row.map_err(StoreError::from) {
        Ok(row) => Ok(Some(row)),
        Err(error @ StoreError::BadRow { .. }) => {
            tracing::error!(%error, "a delivery cannot be worked on");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

//! What time and a restore leave to be written down, in small transactions that wait for nobody.
//!
//! A verification past its end counts as expired whether or not the sweeper ran; the sweeper writes it and wipes the
//! caller's own code. Old verifications are deleted from the beginning of the key, one node at a time; bucket rows that
//! no window sees any more are found by walking over the table a thousand keys a call.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use backstop_domain::{
    clock::Timestamp,
    id::VerificationId,
    limit::LONGEST_WINDOW,
    ports::store::{IDEMPOTENCY_WINDOW, StoreError},
};
use parking_lot::Mutex;

use super::{PostgresStore, buckets, session::Session};
use crate::{acts::receipts::HANDLES_LIVE_FOR, error::Result};

/// Verifications that one call ends.
const EXPIRED_PER_CALL: u64 = 500;
/// Old answers that one call deletes.
const FORGOTTEN_PER_CALL: u64 = 2000;
/// Vendors' names of attempts that one call deletes.
const HANDLES_PER_CALL: u64 = 2000;
/// Verifications that one call deletes.
const DELETED_PER_CALL: i64 = 500;
/// A charge counts for the longest window and belongs to a verification that may have lived for a day before; an hour
/// for clocks.
const ROWS_MATTER_FOR: Duration = Duration::from_secs(86_400 + 3600).saturating_add(LONGEST_WINDOW);
/// The advisory lock of the node that deletes: `backstop` in bytes, and one.
const DELETING: i64 = 0x6261_636b_7374_6f71;

const EXPIRE: &str = "UPDATE verifications SET status = 'expired', custom_code = NULL WHERE ctid = ANY(ARRAY(\
     SELECT ctid FROM verifications WHERE status = 'pending' AND expires_at <= $1 \
     ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

const FORGET_ANSWERS: &str = "DELETE FROM idempotency WHERE key = ANY(ARRAY(\
     SELECT key FROM idempotency WHERE at <= $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))";

const FORGET_HANDLES: &str = "DELETE FROM open_attempts WHERE ctid = ANY(ARRAY(\
     SELECT ctid FROM open_attempts WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))";

const LOOK_AT_BUCKETS: &str =
    "SELECT key, latest FROM buckets WHERE key > $1 AND key < $2 ORDER BY key LIMIT 1000";

const FORGET_BUCKETS: &str = "DELETE FROM buckets WHERE key = ANY(ARRAY(\
     SELECT key FROM buckets WHERE key = ANY($1) AND latest < $2 FOR UPDATE SKIP LOCKED))";

/// From one to the next along the key.
const NEXT_APPLICATION: &str = "SELECT application_id FROM verifications WHERE application_id > $1 \
     ORDER BY application_id LIMIT 1";

const OLDEST: &str = "SELECT max(id), count(*) FROM (SELECT id FROM verifications \
     WHERE application_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4) oldest";

/// Where the walks over the tables stand.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    buckets: Arc<Mutex<Vec<u8>>>,
    verifications: Arc<Mutex<BTreeMap<i64, String>>>,
}

impl PostgresStore {
    /// Writes the end of what ran out and forgets old answers and buckets; some of each.
    pub(super) async fn sweep(&self, now: Timestamp) -> std::result::Result<u64, StoreError> {
        let place = self.sweeper.buckets.clone();
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let expired = expire(session, now).await?;
                let after = place.lock().clone();
                *place.lock() = forget_buckets(session, after, now).await?;
                Ok(expired)
            })
        }))
        .await
    }

    /// Deletes what is older than `before`; some of it.
    pub(super) async fn forget_before(
        &self,
        before: Timestamp,
        now: Timestamp,
    ) -> std::result::Result<u64, StoreError> {
        let places = self.sweeper.verifications.clone();
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let before = before.min(now - ROWS_MATTER_FOR);
                forget_handles(session, before).await?;
                let end = VerificationId::first_at(before).to_string();
                let next = session.prepare(NEXT_APPLICATION).await?;
                let mut application = i64::MIN;
                while let Some(found) = session.client().query_opt(&next, &[&application]).await? {
                    application = found.try_get(0)?;
                    let after = places.lock().get(&application).cloned().unwrap_or_default();
                    if let Some((last, count)) = delete(session, application, &after, &end).await? {
                        places.lock().insert(application, last);
                        return Ok(count);
                    }
                }
                Ok(0)
            })
        }))
        .await
    }

    /// Cancels whatever is pending, wipes the callers' own codes, closes the outbox and forgets kept answers. For a
    /// database that was put back from a dump: what it believes to be pending may have been used since. Reads every row.
    /// Says how many verifications it canceled.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn cancel_pending(&self, now: Timestamp) -> std::result::Result<u64, StoreError> {
        self.run_long(Box::new(move |session| {
            Box::pin(async move {
                session.begin().await?;
                let client = session.client();
                client.batch_execute("SET LOCAL statement_timeout = 0").await?;
                let canceled = client
                    .execute(
                        "UPDATE verifications SET status = 'canceled', custom_code = NULL WHERE status = 'pending'",
                        &[],
                    )
                    .await?;
                client
                    .batch_execute(
                        "UPDATE deliveries SET lease_holder = NULL, lease_until = NULL, \
                         state = CASE state WHEN 'queued' THEN 'undeliverable' ELSE state END \
                         WHERE lease_until IS NOT NULL; DELETE FROM idempotency; DELETE FROM nodes; \
                         UPDATE buckets SET live = '' WHERE live <> ''",
                    )
                    .await?;
                client
                    .execute(
                        "UPDATE attempts SET state = 'unknown', outcome = 'unknown', finished_at = $1 \
                         WHERE state = 'sending'",
                        &[&now.as_millis()],
                    )
                    .await?;
                session.commit().await?;
                Ok(canceled)
            })
        }))
        .await
    }
}

async fn expire(session: &mut Session, now: Timestamp) -> Result<u64> {
    let (expire, forget) = (session.prepare(EXPIRE).await?, session.prepare(FORGET_ANSWERS).await?);
    let client = session.client();
    let limit = i64::try_from(EXPIRED_PER_CALL).unwrap_or(i64::MAX);
    let expired = client.execute(&expire, &[&now.as_millis(), &limit]).await?;
    let old = (now - IDEMPOTENCY_WINDOW).as_millis();
    let limit = i64::try_from(FORGOTTEN_PER_CALL).unwrap_or(i64::MAX);
    let forgotten = client.execute(&forget, &[&old, &limit]).await?;
    let handles = forget_handles(session, now - HANDLES_LIVE_FOR).await?;
    // A full sweep leaves more behind: asking again at once keeps up with any load.
    let more = forgotten >= FORGOTTEN_PER_CALL || handles >= HANDLES_PER_CALL;
    Ok(expired.max(u64::from(more)))
}

/// Deletes vendors' names of attempts from before `before`, a few at a time. Says how many.
async fn forget_handles(session: &mut Session, before: Timestamp) -> Result<u64> {
    let forget = session.prepare(FORGET_HANDLES).await?;
    let limit = i64::try_from(HANDLES_PER_CALL).unwrap_or(i64::MAX);
    Ok(session.client().execute(&forget, &[&before.as_millis(), &limit]).await?)
}

/// Looks at the next rows after a key, and says which was the last; the walk begins again when it is through.
async fn forget_buckets(session: &mut Session, after: Vec<u8>, now: Timestamp) -> Result<Vec<u8>> {
    let (look, forget) = (session.prepare(LOOK_AT_BUCKETS).await?, session.prepare(FORGET_BUCKETS).await?);
    let horizon = (now - ROWS_MATTER_FOR).as_millis();
    let found = session.client().query(&look, &[&after, &buckets::first_to_stay()]).await?;
    let (mut old, mut last) = (Vec::new(), Vec::new());
    for row in &found {
        last = row.try_get::<_, Vec<u8>>(0)?;
        if row.try_get::<_, i64>(1)? < horizon {
            old.push(last.clone());
        }
    }
    if !old.is_empty() {
        session.client().execute(&forget, &[&old, &horizon]).await?;
    }
    Ok(last)
}

/// Deletes the oldest verifications of an application, with all that belongs to them. Says which was the last and how
/// many they were; nothing if there are none, or another node is at it.
async fn delete(
    session: &mut Session,
    application: i64,
    after: &str,
    end: &str,
) -> Result<Option<(String, u64)>> {
    session.begin().await?;
    let mine = session.client().query_one("SELECT pg_try_advisory_xact_lock($1)", &[&DELETING]).await?;
    let oldest = session.prepare(OLDEST).await?;
    let found = session.client().query_one(&oldest, &[&application, &after, &end, &DELETED_PER_CALL]).await?;
    let (last, count): (Option<String>, i64) = (found.try_get(0)?, found.try_get(1)?);
    let Some(last) = last.filter(|_| mine.try_get(0).unwrap_or(false)) else {
        session.commit().await?;
        return Ok(None);
    };
    for sql in [
        "DELETE FROM reservations WHERE application_id = $1 AND verification_id > $2 AND verification_id <= $3",
        "DELETE FROM attempts WHERE application_id = $1 AND verification_id > $2 AND verification_id <= $3",
        "DELETE FROM deliveries WHERE application_id = $1 AND verification_id > $2 AND verification_id <= $3",
        "DELETE FROM checks WHERE application_id = $1 AND verification_id > $2 AND verification_id <= $3",
        "DELETE FROM verifications WHERE application_id = $1 AND id > $2 AND id <= $3",
    ] {
        let statement = session.prepare(sql).await?;
        session.client().execute(&statement, &[&application, &after, &last]).await?;
    }
    session.commit().await?;
    Ok(Some((last, u64::try_from(count).unwrap_or(0))))
}

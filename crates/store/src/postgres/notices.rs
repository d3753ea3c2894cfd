//! Notices in PostgreSQL. Nodes that look at the same time do not wait for each other: each takes what no other is just
//! taking. Whoever held a lease before and was only paused finds it gone when it settles.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    delivery::Lease,
    id::{NodeId, NoticeId},
    notice::{Line, NewNotice},
    ports::store::{DueNotice, Notices, Settled, StoreError},
};

use super::{PostgresStore, session::Session};
use crate::{
    error::Result,
    notices::{self, FORGOTTEN_PER_CALL, Row},
};

const INSERT: &str = "INSERT INTO notices (application_id, id, kind, user_id, line, target, address, masked, at, \
     sequence, detail, state, tries, due_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'waiting', 0, $9)";

const SETTLE: &str = "UPDATE notices SET state = $4, due_at = coalesce($5::bigint, due_at), ended_at = $6::bigint, \
     address = CASE WHEN $6::bigint IS NULL THEN address END, lease_holder = NULL, lease_until = NULL \
     WHERE application_id = $1 AND id = $2 AND lease_holder = $3 AND state = 'waiting'";

const FORGET: &str = "DELETE FROM notices WHERE ctid = ANY(ARRAY(\
     SELECT ctid FROM notices WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))";

fn lease_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "UPDATE notices SET tries = tries + 1, lease_holder = $4, lease_until = $5 WHERE ctid = ANY(ARRAY(\
             SELECT ctid FROM notices WHERE line = $1 AND state = 'waiting' AND due_at <= $2 \
             AND (lease_until IS NULL OR lease_until <= $2) \
             ORDER BY due_at, application_id, id LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING {}, due_at",
            notices::COLUMNS
        )
    });
    &SQL
}

#[async_trait]
impl Notices for PostgresStore {
    async fn post_notices(&self, new: Vec<NewNotice>) -> std::result::Result<(), StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                session.begin().await?;
                insert(session, &new).await?;
                session.commit().await
            })
        }))
        .await
    }

    async fn due_notices(
        &self,
        line: Line,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> std::result::Result<Vec<DueNotice>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let take = session.prepare(lease_sql()).await?;
                let (line, holder) = (line.to_string(), lease.holder.to_string());
                let rows = session
                    .client()
                    .query(
                        &take,
                        &[&line, &now.as_millis(), &i64::from(limit), &holder, &lease.until.as_millis()],
                    )
                    .await?;
                let mut found = Vec::new();
                for row in &rows {
                    let due_at: i64 = row.try_get("due_at")?;
                    found.push((due_at, notices::due(row)?));
                }
                // What is returned has no order.
                found.sort_by_key(|(due_at, due)| (*due_at, due.notice.application, due.notice.id));
                Ok(found.into_iter().map(|(_, due)| due).collect())
            })
        }))
        .await
    }

    async fn settle_notice(
        &self,
        application: ApplicationId,
        id: NoticeId,
        holder: NodeId,
        settled: Settled,
        now: Timestamp,
    ) -> std::result::Result<bool, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let settle = session.prepare(SETTLE).await?;
                let (state, due_at, ended_at) = notices::after(settled, now);
                let (id, holder) = (id.to_string(), holder.to_string());
                let changed = session
                    .client()
                    .execute(&settle, &[&application.0, &id, &holder, &state, &due_at, &ended_at])
                    .await?;
                Ok(changed == 1)
            })
        }))
        .await
    }

    async fn forget_notices(&self, before: Timestamp) -> std::result::Result<u64, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let forget = session.prepare(FORGET).await?;
                Ok(session.client().execute(&forget, &[&before.as_millis(), &FORGOTTEN_PER_CALL]).await?)
            })
        }))
        .await
    }
}

/// Writes notices down, in the transaction of what they tell.
pub(crate) async fn insert(session: &mut Session, new: &[NewNotice]) -> Result<()> {
    let insert = session.prepare(INSERT).await?;
    for notice in new {
        let row = Row::of(notice)?;
        session
            .client()
            .execute(
                &insert,
                &[
                    &notice.application.0,
                    &notice.id.to_string(),
                    &notice.kind.as_str(),
                    &row.user,
                    &row.line,
                    &row.target,
                    &row.address,
                    &row.masked,
                    &notice.at.as_millis(),
                    &row.sequence,
                    &row.detail,
                ],
            )
            .await?;
    }
    Ok(())
}

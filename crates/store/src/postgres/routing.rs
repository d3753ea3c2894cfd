//! What routing knows, for all nodes together. Statements of their own on a connection of the pool: nothing here is decided
//! on rows that others change, and nobody's code waits for it.

use std::slice;

use async_trait::async_trait;
use backstop_domain::{
    audit::NewRecord,
    clock::Timestamp,
    id::VerificationId,
    ports::store::{ProviderSwitch, Routing, Standing, StoreError, Usage},
    ranking::Observation,
    spend::{Month, SpendBook},
};

use super::{PostgresStore, audit, session::Session, spending};
use crate::{
    error::Result,
    observations::{self, KEPT_FOR, OVERLAP, READ_AT_ONCE},
    rows, usage,
};

const ADD: &str = "INSERT INTO observations (attempt, kind, at, body) \
     SELECT a, k, $3, b FROM unnest($1::text[], $2::text[], $4::text[]) w (a, k, b) ON CONFLICT DO NOTHING";

const DROP: &str = "DELETE FROM observations WHERE ctid = ANY(ARRAY(\
     SELECT ctid FROM observations WHERE at <= $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))";

const READ: &str = "SELECT body FROM observations WHERE at > $1 ORDER BY at DESC LIMIT $2";

const SWITCH: &str = "INSERT INTO provider_switches AS s (provider, enabled, monthly_spend_limit, changed_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (provider) DO UPDATE \
     SET enabled = coalesce(excluded.enabled, s.enabled), \
     monthly_spend_limit = coalesce(excluded.monthly_spend_limit, s.monthly_spend_limit), \
     changed_at = excluded.changed_at";

fn switches_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!("SELECT {} FROM provider_switches ORDER BY provider", rows::PROVIDER_SWITCH)
    });
    &SQL
}

/// Along the primary key, application by application.
fn usage_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "WITH RECURSIVE owners (owner) AS (SELECT min(application_id) FROM attempts UNION ALL \
             SELECT (SELECT min(application_id) FROM attempts WHERE application_id > owner) FROM owners \
             WHERE owner IS NOT NULL) \
             SELECT {}, count(*) FROM owners CROSS JOIN LATERAL (SELECT * FROM attempts \
             WHERE application_id = owner AND verification_id >= $1 AND verification_id < $2 \
             AND started_at >= $3 AND started_at < $4 OFFSET 0) a \
             GROUP BY 1, 2, 3, 4, 5, 6, 7",
            *usage::COLUMNS
        )
    });
    &SQL
}

/// As [`usage_sql`].
fn standings_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "WITH RECURSIVE owners (owner) AS (SELECT min(application_id) FROM verifications UNION ALL \
             SELECT (SELECT min(application_id) FROM verifications WHERE application_id > owner) FROM owners \
             WHERE owner IS NOT NULL) \
             SELECT {}, count(*) FROM owners CROSS JOIN LATERAL (SELECT purpose, status FROM verifications \
             WHERE application_id = owner AND id >= $1 AND id < $2 OFFSET 0) v \
             GROUP BY 1, 2 ORDER BY 1, 2",
            usage::STANDING
        )
    });
    &SQL
}

#[async_trait]
impl Routing for PostgresStore {
    async fn observe(
        &self,
        mine: Vec<Observation>,
        since: Timestamp,
        now: Timestamp,
    ) -> std::result::Result<Vec<Observation>, StoreError> {
        let new = observations::rows(&mine).map_err(StoreError::from)?;
        self.run(Box::new(move |session| Box::pin(observe(session, new, since, now)))).await
    }

    async fn spending(&self, now: Timestamp) -> std::result::Result<Vec<(String, SpendBook)>, StoreError> {
        self.run(Box::new(move |session| Box::pin(spending::of_month(session, Month::of(now))))).await
    }

    async fn switches(&self) -> std::result::Result<Vec<ProviderSwitch>, StoreError> {
        self.run(Box::new(|session| {
            Box::pin(async move {
                let statement = session.prepare(switches_sql()).await?;
                session.client().query(&statement, &[]).await?.iter().map(rows::provider_switch).collect()
            })
        }))
        .await
    }

    async fn switch(&self, switch: ProviderSwitch, record: NewRecord) -> std::result::Result<(), StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let statement = session.prepare(SWITCH).await?;
                let limit = switch.monthly_spend_limit.map(|limit| limit.to_string());
                let changed_at = switch.changed_at.as_millis();
                session.begin().await?;
                session
                    .client()
                    .execute(&statement, &[&switch.provider, &switch.enabled, &limit, &changed_at])
                    .await?;
                audit::append(session, slice::from_ref(&record)).await?;
                session.commit().await
            })
        }))
        .await
    }

    async fn usage(&self, from: Timestamp, to: Timestamp) -> std::result::Result<Vec<Usage>, StoreError> {
        self.run_long(Box::new(move |session| Box::pin(count(session, from, to)))).await
    }

    async fn standings(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> std::result::Result<Vec<Standing>, StoreError> {
        self.run_long(Box::new(move |session| Box::pin(standings(session, from, to)))).await
    }
}

async fn observe(
    session: &mut Session,
    new: observations::Rows,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Observation>> {
    let (add, drop) = (session.prepare(ADD).await?, session.prepare(DROP).await?);
    let read = session.prepare(READ).await?;
    let limit = i64::try_from(observations::dropped_with(new.len())).unwrap_or(i64::MAX);
    if !new.is_empty() {
        let attempts: Vec<&str> = new.keys().map(|(attempt, _)| attempt.as_str()).collect();
        let kinds: Vec<&str> = new.keys().map(|(_, kind)| *kind).collect();
        let bodies: Vec<&str> = new.values().map(String::as_str).collect();
        session.client().execute(&add, &[&attempts, &kinds, &now.as_millis(), &bodies]).await?;
    }
    session.client().execute(&drop, &[&(now - KEPT_FOR).as_millis(), &limit]).await?;
    let after = (since - OVERLAP).max(now - KEPT_FOR).as_millis();
    let found = session.client().query(&read, &[&after, &READ_AT_ONCE]).await?;
    let bodies = found.iter().map(|row| row.try_get(0)).collect::<std::result::Result<Vec<String>, _>>()?;
    Ok(observations::read(bodies.into_iter()))
}

async fn count(session: &mut Session, from: Timestamp, to: Timestamp) -> Result<Vec<Usage>> {
    let statement = session.prepare(usage_sql()).await?;
    session.begin().await?;
    session.client().batch_execute("SET LOCAL statement_timeout = '60s'").await?;
    let first = VerificationId::first_at(from - usage::LONGEST_LIFE).to_string();
    let end = VerificationId::first_at(to).to_string();
    let found =
        session.client().query(&statement, &[&first, &end, &from.as_millis(), &to.as_millis()]).await?;
    session.commit().await?;
    found.iter().map(usage::usage).collect()
}

async fn standings(session: &mut Session, from: Timestamp, to: Timestamp) -> Result<Vec<Standing>> {
    let statement = session.prepare(standings_sql()).await?;
    session.begin().await?;
    session.client().batch_execute("SET LOCAL statement_timeout = '60s'").await?;
    let (first, end) = (VerificationId::first_at(from).to_string(), VerificationId::first_at(to).to_string());
    let found = session.client().query(&statement, &[&first, &end]).await?;
    session.commit().await?;
    found.iter().map(usage::standing).collect()
}

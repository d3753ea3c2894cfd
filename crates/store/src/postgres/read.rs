//! Reading verifications with what became of them. Each look-up goes along a primary key, and for many at once.

use std::collections::BTreeMap;

use backstop_domain::{
    application::ApplicationId,
    attempt::Attempt,
    delivery::Delivery,
    id::VerificationId,
    keyring::LookupHash,
    ports::store::{VerificationFilter, VerificationView},
    verification::{Status, Verification},
};
use tokio_postgres::Row;

use super::{
    ledger::{
        VerificationKey,
        load::{self, Columns},
    },
    session::Session,
};
use crate::{error::Result, rows};

/// The most rows of one page.
const MAX_PAGE: u32 = 1000;
/// Sorts after every id of a verification.
const AFTER_ALL: &str = "ver~";

fn page_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "SELECT {} FROM verifications WHERE application_id = $1 AND id < $2 \
             AND ($3::bytea IS NULL OR recipient = $3) AND ($4::text IS NULL OR purpose = $4) \
             AND ($5::text IS NULL OR $5 = CASE WHEN status = 'pending' AND expires_at <= $6 THEN 'expired' \
                                                ELSE status END) \
             ORDER BY id DESC LIMIT $7",
            rows::VERIFICATION
        )
    });
    &SQL
}

fn deliveries_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "SELECT d.* FROM unnest($1::bigint[], $2::text[]) w (a, v) CROSS JOIN LATERAL \
             (SELECT {} FROM deliveries WHERE application_id = w.a AND verification_id = w.v ORDER BY id OFFSET 0) d",
            rows::DELIVERY
        )
    });
    &SQL
}

/// One verification with its deliveries and attempts.
pub(super) async fn view(
    session: &mut Session,
    application: ApplicationId,
    id: VerificationId,
) -> Result<Option<VerificationView>> {
    let found = verifications(session, &Columns::of(std::iter::once((application, id)))).await?;
    let rows = found.iter().map(rows::verification).collect::<Result<Vec<_>>>()?;
    Ok(views(session, rows).await?.pop())
}

/// A page of verifications, newest first.
pub(super) async fn page(
    session: &mut Session,
    application: ApplicationId,
    filter: VerificationFilter,
) -> Result<Vec<VerificationView>> {
    let statement = session.prepare(page_sql()).await?;
    let before = filter.before.map_or_else(|| AFTER_ALL.to_owned(), |id| id.to_string());
    let recipient = filter.recipient.map(|LookupHash(hash)| hash.to_vec());
    let purpose = filter.purpose.as_ref().map(|purpose| purpose.as_str());
    let status = filter.status.map(Status::as_str);
    let limit = i64::from(filter.limit.min(MAX_PAGE));
    let found = session
        .client()
        .query(
            &statement,
            &[&application.0, &before, &recipient, &purpose, &status, &filter.now.as_millis(), &limit],
        )
        .await?;
    let rows = found.iter().map(rows::verification).collect::<Result<Vec<_>>>()?;
    views(session, rows).await
}

/// Verifications by their keys.
pub(super) async fn verifications(session: &mut Session, keys: &Columns) -> Result<Vec<Row>> {
    let statement = session.prepare(load::verifications()).await?;
    keys.ask(session.client(), &statement).await
}

/// The deliveries of verifications, oldest first.
async fn deliveries(session: &mut Session, keys: &Columns) -> Result<Vec<Row>> {
    let statement = session.prepare(deliveries_sql()).await?;
    keys.ask(session.client(), &statement).await
}

/// The attempts of verifications, oldest first.
pub(super) async fn attempts(session: &mut Session, keys: &Columns) -> Result<Vec<Row>> {
    let statement = session.prepare(load::attempts()).await?;
    keys.ask(session.client(), &statement).await
}

async fn views(session: &mut Session, rows: Vec<Verification>) -> Result<Vec<VerificationView>> {
    let keys = Columns::of(rows.iter().map(|row| (row.application, row.id)));
    let mut of_deliveries: BTreeMap<VerificationKey, Vec<Delivery>> = BTreeMap::new();
    for row in &deliveries(session, &keys).await? {
        let row = rows::delivery(row)?;
        of_deliveries.entry((row.application, row.verification)).or_default().push(row);
    }
    let mut of_attempts: BTreeMap<VerificationKey, Vec<Attempt>> = BTreeMap::new();
    for row in &attempts(session, &keys).await? {
        let row = rows::attempt(row)?;
        of_attempts.entry((row.application, row.verification)).or_default().push(row);
    }
    let view = |verification: Verification| {
        let key = (verification.application, verification.id);
        VerificationView {
            deliveries: of_deliveries.remove(&key).unwrap_or_default(),
            attempts: of_attempts.remove(&key).unwrap_or_default(),
            verification,
        }
    };
    Ok(rows.into_iter().map(view).collect())
}

//! The look-ups that acts and queries share. Each one goes along a primary key.

use backstop_domain::{
    application::ApplicationId,
    attempt::Attempt,
    clock::Timestamp,
    delivery::Delivery,
    id::{DeliveryId, VerificationId},
    keyring::LookupHash,
    ports::store::{DeliveryTask, OptOuts, VerificationFilter, VerificationView},
    verification::{Status, Verification},
};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use crate::{error::Result, fields::Fields, rows};

/// The most rows of one page.
const MAX_PAGE: u32 = 1000;
/// Sorts after every id of a verification.
const AFTER_ALL: &str = "ver~";

/// One verification.
pub(super) fn verification(
    connection: &Connection,
    application: ApplicationId,
    id: VerificationId,
) -> Result<Option<Verification>> {
    let sql =
        format!("SELECT {} FROM verifications WHERE application_id = ?1 AND id = ?2", rows::VERIFICATION);
    let mut query = connection.prepare_cached(&sql)?;
    let mut found =
        query.query_and_then(params![application.0, id.to_string()], |row| rows::verification(row))?;
    found.next().transpose()
}

/// One delivery.
pub(super) fn delivery(
    connection: &Connection,
    application: ApplicationId,
    verification: VerificationId,
    id: DeliveryId,
) -> Result<Option<Delivery>> {
    let sql = format!(
        "SELECT {} FROM deliveries WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
        rows::DELIVERY
    );
    let mut query = connection.prepare_cached(&sql)?;
    let key = params![application.0, verification.to_string(), id.to_string()];
    let mut found = query.query_and_then(key, |row| rows::delivery(row))?;
    found.next().transpose()
}

/// The deliveries of a verification, oldest first.
fn deliveries(connection: &Connection, of: &Verification) -> Result<Vec<Delivery>> {
    let sql = format!(
        "SELECT {} FROM deliveries WHERE application_id = ?1 AND verification_id = ?2 ORDER BY id",
        rows::DELIVERY
    );
    let mut query = connection.prepare_cached(&sql)?;
    query.query_and_then(params![of.application.0, of.id.to_string()], |row| rows::delivery(row))?.collect()
}

/// The attempts of a verification, oldest first.
pub(super) fn attempts(
    connection: &Connection,
    application: ApplicationId,
    verification: VerificationId,
) -> Result<Vec<Attempt>> {
    let sql = format!(
        "SELECT {} FROM attempts WHERE application_id = ?1 AND verification_id = ?2 ORDER BY number",
        rows::ATTEMPT
    );
    let mut query = connection.prepare_cached(&sql)?;
    query
        .query_and_then(params![application.0, verification.to_string()], |row| rows::attempt(row))?
        .collect()
}

/// When the latest delivery of a verification was asked for.
pub(super) fn latest_delivery(
    connection: &Connection,
    application: ApplicationId,
    verification: VerificationId,
) -> Result<Option<Timestamp>> {
    let mut query = connection.prepare_cached(
        "SELECT max(created_at) FROM deliveries WHERE application_id = ?1 AND verification_id = ?2",
    )?;
    let latest: Option<i64> =
        query.query_row(params![application.0, verification.to_string()], |row| row.get(0))?;
    Ok(latest.map(Timestamp::from_millis))
}

/// What a recipient opted out of.
pub(super) fn opted_out(
    connection: &Connection,
    application: ApplicationId,
    recipient: LookupHash,
) -> Result<OptOuts> {
    let mut of_providers = connection.prepare_cached(
        "SELECT provider FROM opt_outs WHERE application_id = ?1 AND recipient = ?2 ORDER BY provider",
    )?;
    let providers = of_providers.query_map(params![application.0, recipient.0], |row| row.get(0))?;
    let mut of_channels =
        connection.prepare_cached("SELECT channel FROM stops WHERE recipient = ?1 ORDER BY channel")?;
    let channels = of_channels
        .query_and_then(params![recipient.0], |row| Fields::of(row, "stops", 0).parsed("channel"))?;
    Ok(OptOuts {
        providers: providers.collect::<rusqlite::Result<_>>()?,
        channels: channels.collect::<Result<_>>()?,
    })
}

/// Whether a verification still waits for its code.
pub(super) fn waits(
    connection: &Connection,
    application: ApplicationId,
    id: VerificationId,
    now: Timestamp,
) -> Result<bool> {
    let mut query = connection.prepare_cached(
        "SELECT 1 FROM verifications WHERE application_id = ?1 AND id = ?2 AND status = 'pending' AND expires_at > ?3",
    )?;
    Ok(query.exists(params![application.0, id.to_string(), now.as_millis()])?)
}

/// All that a worker needs to go on with a delivery.
pub(super) fn task(connection: &Connection, delivery: Delivery) -> Result<Option<DeliveryTask>> {
    let Some(verification) = verification(connection, delivery.application, delivery.verification)? else {
        return Ok(None);
    };
    let attempts = attempts(connection, delivery.application, delivery.verification)?;
    let opted_out = opted_out(connection, verification.application, verification.recipient)?;
    Ok(Some(DeliveryTask { delivery, verification, attempts, opted_out }))
}

/// A verification with its deliveries and attempts.
pub(super) fn view(connection: &Connection, verification: Verification) -> Result<VerificationView> {
    let deliveries = deliveries(connection, &verification)?;
    let attempts = attempts(connection, verification.application, verification.id)?;
    Ok(VerificationView { verification, deliveries, attempts })
}

/// A page of verifications, newest first.
pub(super) fn page(
    connection: &Connection,
    application: ApplicationId,
    filter: &VerificationFilter,
) -> Result<Vec<VerificationView>> {
    let sql = format!(
        "SELECT {} FROM verifications WHERE application_id = :application AND id < :before \
         AND (:recipient IS NULL OR recipient = :recipient) AND (:purpose IS NULL OR purpose = :purpose) \
         AND (:status IS NULL OR :status = CASE WHEN status = 'pending' AND expires_at <= :now THEN 'expired' \
                                                ELSE status END) \
         ORDER BY id DESC LIMIT :limit",
        rows::VERIFICATION
    );
    let mut query = connection.prepare_cached(&sql)?;
    let found = query.query_and_then(
        named_params! {
            ":application": application.0,
            ":before": filter.before.map_or_else(|| AFTER_ALL.to_owned(), |id| id.to_string()),
            ":recipient": filter.recipient.map(|hash| hash.0),
            ":purpose": filter.purpose.as_ref().map(|purpose| purpose.as_str()),
            ":status": filter.status.map(Status::as_str),
            ":now": filter.now.as_millis(),
            ":limit": filter.limit.min(MAX_PAGE),
        },
        |row| rows::verification(row),
    )?;
    found.map(|verification| view(connection, verification?)).collect()
}

/// Whether a statement changed just the row it names.
pub(super) fn one(changed: usize, what: &str) -> Result<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(crate::error::internal(format!("{what} changed {changed} rows, wanted one")).into())
    }
}

/// The value of `key` in `meta`.
pub(super) fn meta(connection: &Connection, key: &str) -> Result<Option<String>> {
    let mut query = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(query.query_row([key], |row| row.get(0)).optional()?)
}

//! Writing rows: one insert for each kind, in the order of the columns in [`crate::rows`].

use backstop_domain::{
    attempt::AttemptState, clock::Timestamp, delivery::DeliveryState, keyring::Sealed,
    ports::store::NewAttempt, verification::Verification,
};
use rusqlite::{Connection, named_params, params};

use crate::{acts::Charged, error::Result, words};

/// Writes a new verification.
pub(super) fn verification(connection: &Connection, row: &Verification) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO verifications (application_id, id, authority, created_at, expires_at, status, purpose, ladder, \
         recipient, masked, personal, kid, salt, code_length, code_alphabet, custom_code, join_hash, network, locale, \
         max_checks, checks_used, approved_at, redeemed_at, vendor_check, subject) \
         VALUES (:application_id, :id, :authority, :created_at, :expires_at, :status, :purpose, :ladder, :recipient, \
         :masked, :personal, :kid, :salt, :code_length, :code_alphabet, :custom_code, :join_hash, :network, :locale, \
         :max_checks, :checks_used, :approved_at, :redeemed_at, :vendor_check, :subject)",
    )?;
    insert.execute(named_params! {
        ":application_id": row.application.0,
        ":id": row.id.to_string(),
        ":authority": words::authority(row.authority),
        ":created_at": row.created_at.as_millis(),
        ":expires_at": row.expires_at.as_millis(),
        ":status": row.status.as_str(),
        ":purpose": row.purpose.as_str(),
        ":ladder": words::ladder(&row.ladder),
        ":recipient": row.recipient.0,
        ":masked": row.masked,
        ":personal": row.personal.as_bytes(),
        ":kid": row.kid.0,
        ":salt": row.salt,
        ":code_length": row.form.length,
        ":code_alphabet": words::alphabet(row.form.alphabet),
        ":custom_code": row.custom_code.as_ref().map(Sealed::as_bytes),
        ":join_hash": row.join.map(|hash| hash.0),
        ":network": row.network.map(|hash| hash.0),
        ":locale": row.locale,
        ":max_checks": row.max_checks,
        ":checks_used": row.checks_used,
        ":vendor_check": row.vendor_check,
        ":subject": row.subject.map(|subject| subject.to_string()),
        ":approved_at": row.approved_at.map(Timestamp::as_millis),
        ":redeemed_at": row.redeemed_at.map(Timestamp::as_millis),
    })?;
    Ok(())
}

/// Writes a new delivery, leased from its first moment.
pub(super) fn delivery(connection: &Connection, row: &Charged) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO deliveries (application_id, verification_id, id, created_at, ladder, state, lease_holder, \
         lease_until, recipient, network, public) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    insert.execute(params![
        row.application.0,
        row.verification.to_string(),
        row.id.to_string(),
        row.at.as_millis(),
        row.ladder.as_deref().map(words::ladder),
        DeliveryState::Queued.as_str(),
        row.lease.holder.to_string(),
        row.lease.until.as_millis(),
        row.recipient.0,
        row.network.map(|hash| hash.0),
        row.public,
    ])?;
    Ok(())
}

/// Writes a new attempt, `sending`, numbered within its verification.
pub(super) fn attempt(connection: &Connection, new: &NewAttempt) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO attempts (application_id, verification_id, id, number, delivery_id, channel, provider, round, \
         state, started_at, decision) \
         SELECT ?1, ?2, ?3, (SELECT count(*) + 1 FROM attempts WHERE application_id = ?1 AND verification_id = ?2), \
         ?4, ?5, ?6, ?7, ?8, ?9, ?10",
    )?;
    insert.execute(params![
        new.application.0,
        new.verification.to_string(),
        new.id.to_string(),
        new.delivery.to_string(),
        new.channel.as_str(),
        new.provider,
        new.round,
        AttemptState::Sending.as_str(),
        new.now.as_millis(),
        new.decision,
    ])?;
    Ok(())
}

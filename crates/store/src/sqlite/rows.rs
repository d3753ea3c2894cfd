//! The rows of verifications, deliveries and attempts, to and from the domain.
//!
//! Each kind has one list of columns, one reader and one insert, side by side, so that they cannot drift apart. A
//! round trip gives back an equal value; a test in the contract holds them to it.

use backstop_domain::{
    application::{ApplicationId, Authority},
    attempt::{Attempt, AttemptState},
    channel::Channel,
    clock::Timestamp,
    code::{Alphabet, CodeForm},
    delivery::{Delivery, DeliveryState, Lease},
    keyring::{Kid, Sealed},
    ports::store::NewAttempt,
    verification::Verification,
};
use rusqlite::{Connection, Row, named_params, params};

use super::fields::Fields;
use crate::{acts::Charged, error::Result, words};

/// The columns of a verification, in the order in which [`verification`] reads them.
pub(super) const VERIFICATION: &str = "application_id, id, authority, created_at, expires_at, status, purpose, ladder, \
     recipient, masked, personal, kid, salt, code_length, code_alphabet, custom_code, join_hash, network, locale, \
     max_checks, checks_used, approved_at, redeemed_at";

/// Reads a row of the columns [`VERIFICATION`].
pub(super) fn verification(row: &Row<'_>) -> Result<Verification> {
    let mut fields = Fields::of(row, "verifications", 2);
    Ok(Verification {
        application: ApplicationId(fields.take("application_id")?),
        id: fields.parsed("id")?,
        authority: authority_of(&mut fields)?,
        created_at: fields.moment("created_at")?,
        expires_at: fields.moment("expires_at")?,
        status: fields.parsed("status")?,
        purpose: fields.parsed("purpose")?,
        ladder: ladder_of(&mut fields)?.unwrap_or_default(),
        recipient: fields.hash("recipient")?,
        masked: fields.take("masked")?,
        personal: Sealed::from_bytes(fields.take("personal")?),
        kid: Kid(fields.take("kid")?),
        salt: fields.take("salt")?,
        form: CodeForm { length: fields.take("code_length")?, alphabet: alphabet_of(&mut fields)? },
        custom_code: fields.take::<Option<Vec<u8>>>("custom_code")?.map(Sealed::from_bytes),
        join: fields.hash_if_any("join_hash")?,
        network: fields.hash_if_any("network")?,
        locale: fields.take("locale")?,
        max_checks: fields.take("max_checks")?,
        checks_used: fields.take("checks_used")?,
        approved_at: fields.moment_if_any("approved_at")?,
        redeemed_at: fields.moment_if_any("redeemed_at")?,
    })
}

/// Writes a new verification.
pub(super) fn insert_verification(connection: &Connection, row: &Verification) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO verifications (application_id, id, authority, created_at, expires_at, status, purpose, ladder, \
         recipient, masked, personal, kid, salt, code_length, code_alphabet, custom_code, join_hash, network, locale, \
         max_checks, checks_used, approved_at, redeemed_at) \
         VALUES (:application_id, :id, :authority, :created_at, :expires_at, :status, :purpose, :ladder, :recipient, \
         :masked, :personal, :kid, :salt, :code_length, :code_alphabet, :custom_code, :join_hash, :network, :locale, \
         :max_checks, :checks_used, :approved_at, :redeemed_at)",
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
        ":approved_at": row.approved_at.map(Timestamp::as_millis),
        ":redeemed_at": row.redeemed_at.map(Timestamp::as_millis),
    })?;
    Ok(())
}

/// The columns of a delivery, in the order in which [`delivery`] reads them.
pub(super) const DELIVERY: &str =
    "application_id, verification_id, id, created_at, ladder, state, lease_holder, lease_until";

/// Reads a row of the columns [`DELIVERY`].
pub(super) fn delivery(row: &Row<'_>) -> Result<Delivery> {
    let mut fields = Fields::of(row, "deliveries", 3);
    Ok(Delivery {
        application: ApplicationId(fields.take("application_id")?),
        verification: fields.parsed("verification_id")?,
        id: fields.parsed("id")?,
        created_at: fields.moment("created_at")?,
        ladder: ladder_of(&mut fields)?,
        state: fields.parsed("state")?,
        lease: {
            let holder = fields.parsed_if_any("lease_holder")?;
            let until = fields.moment_if_any("lease_until")?;
            holder.zip(until).map(|(holder, until)| Lease { holder, until })
        },
    })
}

/// Writes a new delivery, leased from its first moment.
pub(super) fn insert_delivery(connection: &Connection, row: &Charged) -> Result<()> {
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

/// The columns of an attempt, in the order in which [`attempt`] reads them.
pub(super) const ATTEMPT: &str = "application_id, verification_id, id, delivery_id, channel, provider, round, state, \
     outcome, rejection, vendor_id, vendor_response, price, started_at, finished_at";

/// Reads a row of the columns [`ATTEMPT`].
pub(super) fn attempt(row: &Row<'_>) -> Result<Attempt> {
    let mut fields = Fields::of(row, "attempts", 3);
    Ok(Attempt {
        application: ApplicationId(fields.take("application_id")?),
        verification: fields.parsed("verification_id")?,
        id: fields.parsed("id")?,
        delivery: fields.parsed("delivery_id")?,
        channel: fields.parsed("channel")?,
        provider: fields.take("provider")?,
        round: fields.take("round")?,
        state: fields.parsed("state")?,
        outcome: fields.take("outcome")?,
        rejection: fields.json_if_any("rejection")?,
        vendor_id: fields.take("vendor_id")?,
        vendor_response: fields.json_if_any("vendor_response")?,
        price: fields.take("price")?,
        started_at: fields.moment("started_at")?,
        finished_at: fields.moment_if_any("finished_at")?,
    })
}

/// Writes a new attempt, `sending`, numbered within its verification.
pub(super) fn insert_attempt(connection: &Connection, new: &NewAttempt) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO attempts (application_id, verification_id, id, number, delivery_id, channel, provider, round, \
         state, started_at) \
         SELECT ?1, ?2, ?3, (SELECT count(*) + 1 FROM attempts WHERE application_id = ?1 AND verification_id = ?2), \
         ?4, ?5, ?6, ?7, ?8, ?9",
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
    ])?;
    Ok(())
}

/// Writes the first attempt of a verification that is new, so that there is none to count.
pub(super) fn insert_first_attempt(connection: &Connection, new: &NewAttempt) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO attempts (application_id, verification_id, id, number, delivery_id, channel, provider, round, \
         state, started_at) VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9)",
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
    ])?;
    Ok(())
}

/// Reads the next column as an authority.
pub(super) fn authority_of(fields: &mut Fields<'_, '_>) -> Result<Authority> {
    words::authority_of(&fields.take::<String>("authority")?)
        .map_err(|problem| fields.bad("authority", problem))
}

fn alphabet_of(fields: &mut Fields<'_, '_>) -> Result<Alphabet> {
    let word: String = fields.take("code_alphabet")?;
    words::alphabet_of(&word).map_err(|problem| fields.bad("code_alphabet", problem))
}

fn ladder_of(fields: &mut Fields<'_, '_>) -> Result<Option<Vec<Channel>>> {
    let text: Option<String> = fields.take("ladder")?;
    text.map(|text| words::ladder_of(&text)).transpose().map_err(|problem| fields.bad("ladder", problem))
}

//! The rows of verifications, deliveries, attempts and keys, to the domain: one list of columns and one reader each, the
//! same for both databases. The inserts stand beside their statements. A round trip gives back an equal value; a test in
//! the contract holds them to it.

use backstop_domain::{
    application::{ApplicationId, Authority},
    attempt::Attempt,
    audit::{Checkpoint, Head, Record, SealedDetail, Signature},
    channel::Channel,
    code::CodeForm,
    delivery::{Delivery, Lease},
    id::UserId,
    keyring::{KeyUse, Kid, Sealed},
    ports::store::{ApiKey, ProviderSwitch, WrappedKey},
    user::User,
    verification::{Checking, Verification},
};

use crate::{
    error::Result,
    fields::{Cells, Fields},
    words,
};

/// The columns of a verification, in the order in which [`verification`] reads them.
pub(crate) const VERIFICATION: &str = "application_id, id, authority, created_at, expires_at, status, purpose, ladder, \
     recipient, masked, personal, kid, salt, code_length, code_alphabet, custom_code, join_hash, network, locale, \
     max_checks, checks_used, approved_at, redeemed_at, vendor_check, checking, subject";

/// Reads a row of the columns [`VERIFICATION`].
pub(crate) fn verification(row: &impl Cells) -> Result<Verification> {
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
        form: form_of(&mut fields)?,
        custom_code: fields.take_if_any("custom_code")?.map(Sealed::from_bytes),
        join: fields.hash_if_any("join_hash")?,
        network: fields.hash_if_any("network")?,
        locale: fields.take_if_any("locale")?,
        max_checks: fields.take("max_checks")?,
        checks_used: fields.take("checks_used")?,
        approved_at: fields.moment_if_any("approved_at")?,
        redeemed_at: fields.moment_if_any("redeemed_at")?,
        vendor_check: fields.take_if_any("vendor_check")?,
        checking: checking_of(&mut fields)?,
        subject: fields.parsed_if_any("subject")?,
    })
}

/// The columns of a delivery, in the order in which [`delivery`] reads them.
pub(crate) const DELIVERY: &str =
    "application_id, verification_id, id, created_at, ladder, state, lease_holder, lease_until";

/// Reads a row of the columns [`DELIVERY`].
pub(crate) fn delivery(row: &impl Cells) -> Result<Delivery> {
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

/// The columns of an attempt, in the order in which [`attempt`] reads them.
pub(crate) const ATTEMPT: &str = "application_id, verification_id, id, delivery_id, channel, provider, round, state, \
     outcome, rejection, vendor_id, vendor_response, price, receipt, decision, started_at, finished_at";

/// Reads a row of the columns [`ATTEMPT`].
pub(crate) fn attempt(row: &impl Cells) -> Result<Attempt> {
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
        outcome: fields.take_if_any("outcome")?,
        rejection: fields.json_if_any("rejection")?,
        vendor_id: fields.take_if_any("vendor_id")?,
        vendor_response: fields.json_if_any("vendor_response")?,
        price: fields.take_if_any("price")?,
        receipt: fields.take_if_any("receipt")?,
        decision: fields.take_if_any("decision")?,
        started_at: fields.moment("started_at")?,
        finished_at: fields.moment_if_any("finished_at")?,
    })
}

/// The columns of an API key, in the order in which [`api_key`] reads them.
pub(crate) const API_KEY: &str = "id, application_id, authority, hash, hint, created_at, revoked_at";

/// Reads a row of the columns [`API_KEY`].
pub(crate) fn api_key(row: &impl Cells) -> Result<ApiKey> {
    let mut fields = Fields::of(row, "api_keys", 1);
    Ok(ApiKey {
        id: fields.parsed("id")?,
        application: ApplicationId(fields.take("application_id")?),
        authority: authority_of(&mut fields)?,
        hash: fields.take("hash")?,
        hint: fields.take("hint")?,
        created_at: fields.moment("created_at")?,
        revoked_at: fields.moment_if_any("revoked_at")?,
    })
}

/// The columns of a ring key, in the order in which [`ring_key`] reads them.
pub(crate) const RING_KEY: &str = "kid, key_use, wrapped, created_at";

/// Reads a row of the columns [`RING_KEY`].
pub(crate) fn ring_key(row: &impl Cells) -> Result<WrappedKey> {
    let mut fields = Fields::of(row, "keyring", 1);
    let kid = Kid(fields.take("kid")?);
    let word: String = fields.take("key_use")?;
    let key_use = KeyUse::ALL.into_iter().find(|key_use| key_use.as_str() == word);
    Ok(WrappedKey {
        kid,
        key_use: key_use.ok_or_else(|| fields.bad("key_use", "no such use"))?,
        wrapped: fields.take("wrapped")?,
        created_at: fields.moment("created_at")?,
    })
}

/// The columns of a record of the audit log, in the order in which [`audit_record`] reads them.
pub(crate) const AUDIT_RECORD: &str = "seq, at, prev, body, hash";

/// Reads a row of the columns [`AUDIT_RECORD`].
pub(crate) fn audit_record(row: &impl Cells) -> Result<Record> {
    let mut fields = Fields::of(row, "audit", 1);
    Ok(Record {
        seq: fields.take("seq")?,
        at: fields.moment("at")?,
        prev: fields.take("prev")?,
        body: fields.take("body")?,
        hash: fields.take("hash")?,
    })
}

/// What stands in the body of every record of an application, and of no other: keys are sorted, and another always follows.
pub(crate) fn audit_of_application(application: ApplicationId) -> String {
    format!("\"application\":{},", application.0)
}

/// The columns of the end of the audit log, in the order in which [`audit_head`] reads them.
pub(crate) const AUDIT_HEAD: &str = "seq, hash";

/// Reads a row of the columns [`AUDIT_HEAD`].
pub(crate) fn audit_head(row: &impl Cells) -> Result<Head> {
    let mut fields = Fields::of(row, "audit_head", 1);
    Ok(Head { seq: fields.take("seq")?, hash: fields.take("hash")? })
}

/// The columns of a sealed detail, in the order in which [`audit_detail`] reads them.
pub(crate) const AUDIT_DETAIL: &str = "seq, user_id, sealed";

/// Reads a row of the columns [`AUDIT_DETAIL`].
pub(crate) fn audit_detail(row: &impl Cells) -> Result<SealedDetail> {
    let mut fields = Fields::of(row, "audit_details", 1);
    Ok(SealedDetail {
        seq: fields.take("seq")?,
        user: fields.parsed_if_any("user_id")?,
        sealed: Sealed::from_bytes(fields.take("sealed")?),
    })
}

/// The columns of a checkpoint, in the order in which [`audit_checkpoint`] reads them.
pub(crate) const AUDIT_CHECKPOINT: &str = "seq, at, hash, signing_key, signature";

/// Reads a row of the columns [`AUDIT_CHECKPOINT`].
pub(crate) fn audit_checkpoint(row: &impl Cells) -> Result<Checkpoint> {
    let mut fields = Fields::of(row, "audit_checkpoints", 1);
    Ok(Checkpoint {
        seq: fields.take("seq")?,
        at: fields.moment("at")?,
        hash: fields.take("hash")?,
        signature: Signature { key: fields.take("signing_key")?, bytes: fields.take("signature")? },
    })
}

/// The columns of what an operator set, in the order in which [`provider_switch`] reads them.
pub(crate) const PROVIDER_SWITCH: &str = "provider, enabled, monthly_spend_limit, changed_at";

/// Reads a row of the columns [`PROVIDER_SWITCH`].
pub(crate) fn provider_switch(row: &impl Cells) -> Result<ProviderSwitch> {
    let mut fields = Fields::of(row, "provider_switches", 1);
    Ok(ProviderSwitch {
        provider: fields.take("provider")?,
        enabled: fields.take_if_any("enabled")?,
        monthly_spend_limit: fields.parsed_if_any("monthly_spend_limit")?,
        changed_at: fields.moment("changed_at")?,
    })
}

/// The columns of a user, in the order in which [`user`] reads them.
pub(crate) const USER: &str =
    "application_id, id, created_at, updated_at, status, role, second_factor, profile";

/// Reads a row of the columns [`USER`].
pub(crate) fn user(row: &impl Cells) -> Result<User> {
    let mut fields = Fields::of(row, "users", 2);
    Ok(User {
        application: ApplicationId(fields.take("application_id")?),
        id: fields.parsed("id")?,
        created_at: fields.moment("created_at")?,
        updated_at: fields.moment("updated_at")?,
        status: fields.parsed("status")?,
        role: fields.parsed("role")?,
        second_factor: fields.parsed("second_factor")?,
        profile: fields.json_if_any("profile")?.unwrap_or_default(),
    })
}

/// Reads a row of an application, what names the row in it, and a user's id.
pub(crate) fn user_id(row: &impl Cells, table: &'static str) -> Result<UserId> {
    Fields::after_key(row, table, 2).parsed("user_id")
}

/// Reads the next column as an authority.
pub(crate) fn authority_of(fields: &mut Fields<'_, impl Cells>) -> Result<Authority> {
    let word: String = fields.take("authority")?;
    words::authority_of(&word).map_err(|problem| fields.bad("authority", problem))
}

fn checking_of(fields: &mut Fields<'_, impl Cells>) -> Result<Option<Checking>> {
    let bytes: Option<Vec<u8>> = fields.take_if_any("checking")?;
    let read = bytes.map(|bytes| Checking::from_bytes(&bytes).ok_or("not what marks a check"));
    read.transpose().map_err(|problem| fields.bad("checking", problem))
}

fn form_of(fields: &mut Fields<'_, impl Cells>) -> Result<CodeForm> {
    let length = fields.take("code_length")?;
    let word: String = fields.take("code_alphabet")?;
    let alphabet = words::alphabet_of(&word).map_err(|problem| fields.bad("code_alphabet", problem))?;
    Ok(CodeForm { length, alphabet })
}

fn ladder_of(fields: &mut Fields<'_, impl Cells>) -> Result<Option<Vec<Channel>>> {
    let text: Option<String> = fields.take_if_any("ladder")?;
    text.map(|text| words::ladder_of(&text)).transpose().map_err(|problem| fields.bad("ladder", problem))
}

//! What a sign-in answers: tokens, or the second way that is asked for.

use backstop_domain::{clock::Timestamp, factor::Factor, secret::SecretString};
use backstop_engine::sign_in::{Challenge, SignedIn, Tokens};
use backstop_engine::verify::Started;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{told, verifications::words::ChannelWord};

/// What a way in led to.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
#[schema(as = SignedIn)]
pub(crate) enum SignedInBody {
    /// The person is in.
    SignedIn(TokensBody),
    /// It was one way, and this person needs two.
    SecondFactorRequired(ChallengeBody),
}

/// What a person who is in gets.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(crate) struct TokensBody {
    /// A signed token (RFC 9068) that any JWT library verifies by `/.well-known/jwks.json`.
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    access_token: SecretString,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// In how many seconds the access token ends.
    #[schema(example = 600)]
    expires_in: u64,
    /// To go on with, once; none for emergency access, nor after a step-up, which keeps the one that the session has.
    #[serde(serialize_with = "told::maybe", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
    /// The session.
    session_id: String,
    /// Who.
    user_id: String,
    /// How sure it is: `aal1` after one way, `aal2` after two of different kinds.
    #[schema(example = "aal2")]
    acr: &'static str,
    /// The ways that were gone, in the manner of RFC 8176; `device` is a device's token without a key.
    #[schema(example = json!(["pwd", "otp"]))]
    amr: Vec<String>,
    /// Of a device that was remembered or used. The one before stays good until this is used.
    #[serde(serialize_with = "told::maybe", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    device_token: Option<SecretString>,
    /// That device.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<String>,
}

/// A second way that is asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactor)]
pub(crate) struct ChallengeBody {
    /// To come with the second way, in place of the address.
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    mfa_token: SecretString,
    /// Until when.
    expires_at: String,
    /// The ways that this person holds, the usual ones first.
    #[schema(example = json!(["totp", "backup_code"]))]
    ways: Vec<&'static str>,
}

/// A code is on its way; or nobody has this address, which looks the same.
#[derive(Serialize, ToSchema)]
#[schema(as = CodeSent)]
pub(crate) struct CodeSentBody {
    /// To come with the code.
    verification_id: String,
    /// Where it goes, masked.
    #[schema(example = "+1••••••••23")]
    to: String,
    /// The channel that is tried first.
    #[schema(value_type = ChannelWord)]
    channel: &'static str,
    /// The ladder of channels.
    #[schema(value_type = Vec<ChannelWord>)]
    channels: Vec<&'static str>,
    /// When the code dies.
    expires_at: String,
    /// From when on a resend can pass: `POST /v1/verifications/{id}/resend`.
    resend_after: String,
}

impl SignedInBody {
    pub(crate) fn new(signed_in: SignedIn, now: Timestamp) -> Self {
        match signed_in {
            SignedIn::Tokens(tokens) => Self::SignedIn(TokensBody::new(*tokens, now)),
            SignedIn::SecondFactorRequired(challenge) => {
                Self::SecondFactorRequired(ChallengeBody::new(challenge))
            }
        }
    }
}

impl TokensBody {
    pub(crate) fn new(tokens: Tokens, now: Timestamp) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_at.since(now).as_secs(),
            refresh_token: tokens.refresh_token,
            session_id: tokens.session.id.to_string(),
            user_id: tokens.user.to_string(),
            acr: tokens.session.acr.as_str(),
            amr: tokens.session.amr,
            device_token: tokens.device_token,
            device_id: tokens.device.map(|device| device.to_string()),
        }
    }
}

impl ChallengeBody {
    pub(crate) fn new(challenge: Challenge) -> Self {
        Self {
            mfa_token: challenge.mfa_token,
            expires_at: challenge.expires_at.to_rfc3339(),
            ways: challenge.ways.into_iter().map(Factor::as_str).collect(),
        }
    }
}

impl CodeSentBody {
    pub(crate) fn new(started: &Started) -> Self {
        let report = &started.verification;
        Self {
            verification_id: report.id.to_string(),
            to: report.to.clone(),
            channel: report.channel.as_str(),
            channels: report.channels.iter().map(|channel| channel.as_str()).collect(),
            expires_at: report.expires_at.to_rfc3339(),
            resend_after: report.resend_after.to_rfc3339(),
        }
    }
}

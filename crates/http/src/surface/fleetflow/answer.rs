//! What FleetFlow's callers read.

use axum::response::{IntoResponse as _, Response};
use backstop_domain::{factor::Factor, secret::SecretString};
use backstop_engine::{
    VerificationReport,
    sign_in::{Challenge, SignedIn, Tokens},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{FleetflowSurface, api::told, surface::expires_in};

/// A code is on its way; or nobody has this number, which looks the same.
#[derive(Serialize, ToSchema)]
#[schema(as = FleetflowSent)]
pub(crate) struct OtpSent {
    message: &'static str,
    /// The first channel that works for everybody now.
    #[schema(example = "sms")]
    channel_used: &'static str,
    /// When the code dies.
    #[schema(example = "2026-11-20T03:17:04.123Z")]
    expires_at: String,
}

impl OtpSent {
    pub(super) fn of(report: &VerificationReport) -> Self {
        Self {
            message: "If this number is registered, a code is on its way",
            channel_used: report.channel.as_str(),
            expires_at: report.expires_at.to_rfc3339(),
        }
    }
}

/// No channel works, for anybody.
#[derive(Serialize, ToSchema)]
#[schema(as = FleetflowNothingWorks)]
pub(crate) struct NothingWorks {
    error: &'static str,
    message: &'static str,
    /// Whom a person can call instead, if the configuration says so.
    #[schema(example = "+91-80-5550-0100")]
    support_phone: Option<String>,
}

pub(super) fn nothing_works(settings: &FleetflowSurface) -> Response {
    let body = NothingWorks {
        error: "No code can be sent now",
        message: "Use a backup code, a trusted device or your PIN, or call support",
        support_phone: settings.support_phone.clone(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, axum::Json(body)).into_response()
}

/// What a way in led to.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = FleetflowSignedIn)]
pub(crate) enum SignedInBody {
    /// The person is in.
    Tokens(TokensBody),
    /// It was one way, and this person needs two.
    SecondFactor(SecondFactorBody),
}

/// What a person who is in gets.
#[derive(Serialize, ToSchema)]
#[schema(as = FleetflowTokens)]
pub(crate) struct TokensBody {
    /// A signed token (RFC 9068).
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    access_token: SecretString,
    /// To go on with, at `/v1/tokens/refresh`.
    #[serde(serialize_with = "told::maybe", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
    /// In how many seconds the access token ends.
    #[schema(example = 600)]
    expires_in: u64,
    /// Of the device that was remembered: for the device to keep.
    #[serde(serialize_with = "told::maybe", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    device_token: Option<SecretString>,
}

/// A second way that is asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = FleetflowSecondFactor)]
pub(crate) struct SecondFactorBody {
    /// Always true.
    second_factor_required: bool,
    /// To come with the second way, at `/v1/sign-in/...`.
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    mfa_token: SecretString,
    /// The ways that this person holds.
    #[schema(example = json!(["totp", "backup_code"]))]
    ways: Vec<&'static str>,
}

impl From<SignedIn> for SignedInBody {
    fn from(signed_in: SignedIn) -> Self {
        match signed_in {
            SignedIn::Tokens(tokens) => Self::Tokens((*tokens).into()),
            SignedIn::SecondFactorRequired(challenge) => Self::SecondFactor(challenge.into()),
        }
    }
}

impl From<Tokens> for TokensBody {
    fn from(tokens: Tokens) -> Self {
        Self {
            expires_in: expires_in(&tokens),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            device_token: tokens.device_token,
        }
    }
}

impl From<Challenge> for SecondFactorBody {
    fn from(challenge: Challenge) -> Self {
        Self {
            second_factor_required: true,
            mfa_token: challenge.mfa_token,
            ways: challenge.ways.into_iter().map(Factor::as_str).collect(),
        }
    }
}

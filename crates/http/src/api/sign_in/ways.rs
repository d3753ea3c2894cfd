//! Which ways are open: before anything is known of the person, after a first way, and for a person who is in and must prove
//! themselves again.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::secret::SecretString;
use backstop_engine::sign_in::{WayReport, WaysQuery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, answer::ChallengeBody};
use crate::{
    Entrance,
    api::verifications::{ask::NoFields, words::ChannelWord},
    extract::{Json, Person, SignInCaller},
    openapi::Refusals,
};

/// What is known of the person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AskForWays)]
pub(crate) struct WaysBody {
    /// The token of a remembered device.
    #[schema(value_type = Option<String>)]
    device_token: Option<SecretString>,
    /// The token of a first way: the answer is then this person's second ways.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
}

/// The ways, the ones to offer first first.
#[derive(Serialize, ToSchema)]
#[schema(as = Ways)]
pub(crate) struct WaysAnswer {
    ways: Vec<WayBody>,
}

/// A way in.
#[derive(Serialize, ToSchema)]
#[schema(as = Way)]
pub(crate) struct WayBody {
    /// `otp`, `totp`, `backup_code`, `trusted_device`, `pin`, `passkey` or `password`.
    #[schema(example = "otp")]
    way: &'static str,
    /// Over what, if a code is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ChannelWord>)]
    channel: Option<&'static str>,
    /// Whether it can be gone now. A channel whose vendors are all down cannot.
    available: bool,
}

impl WayBody {
    fn new(report: WayReport) -> Self {
        Self {
            way: report.way.as_str(),
            channel: report.channel.map(backstop_domain::channel::Channel::as_str),
            available: report.available,
        }
    }
}

/// Say which ways are open now.
///
/// Before a first way this depends on the configuration and on the vendors, never on the person.
#[utoipa::path(post, path = "/v1/sign-in/ways", operation_id = "sign_in_ways", tag = "sign-in", request_body = Option<WaysBody>,
    responses((status = 200, description = "The ways", body = WaysAnswer), Refusals))]
pub(crate) async fn ways(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    Json { body, .. }: Json<WaysBody>,
) -> Answer<WaysAnswer> {
    let caller = caller.speaking_for(None)?;
    let query = WaysQuery { device_token: body.device_token, mfa_token: body.mfa_token };
    let ways = entrance.doors.engine.ways(&caller, query).await?;
    Ok(axum::Json(WaysAnswer { ways: ways.into_iter().map(WayBody::new).collect() }))
}

/// Renew a session.
///
/// Takes the person's access token. Send the `mfa_token` with any of the ways: the session is fresh again after it, and the
/// tokens that come back say so.
#[utoipa::path(post, path = "/v1/sign-in/step-up", operation_id = "step_up", tag = "sign-in", request_body = Option<NoFields>,
    security(("access_token" = [])),
    responses((status = 200, description = "The ways that would do", body = ChallengeBody), Refusals))]
pub(crate) async fn step_up(
    State(entrance): State<Arc<Entrance>>,
    Person(manager): Person,
    Json { body: NoFields {}, .. }: Json<NoFields>,
) -> Answer<ChallengeBody> {
    let challenge = entrance.doors.engine.step_up(&manager).await?;
    Ok(axum::Json(ChallengeBody::new(challenge)))
}

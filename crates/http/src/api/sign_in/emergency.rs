//! Emergency access: the way in with the master key.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use backstop_domain::{clock::Timestamp, id::EmergencyRequestId, secret::SecretString};
use backstop_engine::{
    emergency::{EmergencyAnswer, EmergencyKnock},
    sign_in::Tokens,
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::telephone;
use crate::{
    Entrance,
    api::{told, verifications::ask::ClientBody},
    error::Problem,
    extract::{IdempotencyHeader, Json, Object, SignInCaller},
    openapi::Refusals,
};

/// Who wants to get in, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInEmergency)]
pub(crate) struct EmergencyBody {
    /// The person's confirmed telephone number.
    #[schema(value_type = String)]
    phone: SecretString,
    /// The master key.
    #[schema(value_type = String)]
    master_key: SecretString,
    /// Why, in 1 to 500 characters; operators read it.
    reason: String,
    /// The request that somebody approved meanwhile, where each use takes two people.
    request_id: Option<String>,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

/// The person is in, for an hour.
#[derive(Serialize, ToSchema)]
#[schema(as = EmergencySession)]
pub(crate) struct EmergencyTokenBody {
    /// The token. There is none to go on with.
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    access_token: SecretString,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds that it lives.
    expires_in: u64,
    /// The session.
    session_id: String,
    /// Always true: such a token manages no factors.
    emergency: bool,
    /// What happened, for people.
    message: &'static str,
    /// What to do next, for people.
    warning: &'static str,
}

/// Somebody else has to approve it first.
#[derive(Serialize, ToSchema)]
#[schema(as = EmergencyRequest)]
pub(crate) struct WaitingBody {
    /// To come back with.
    request_id: String,
}

impl EmergencyTokenBody {
    pub(crate) fn new(tokens: Tokens, now: Timestamp) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            // A token ends with a whole second; the one that has begun counts.
            expires_in: u64::try_from(tokens.expires_at.since(now).as_millis().div_ceil(1000))
                .unwrap_or_default(),
            session_id: tokens.session.id.to_string(),
            emergency: true,
            message: "Emergency access granted",
            warning: "This was recorded and told to the operators. Replace the master key.",
        }
    }
}

/// Sign in with the master key.
///
/// For people whose role is served, when no other way works. Every try is recorded and told to the operators. Where each use
/// takes two people, the first call answers 202 with a `request_id`, and the same call with it gets in once an operator has
/// approved it.
#[utoipa::path(post, path = "/v1/sign-in/emergency", operation_id = "sign_in_emergency", tag = "sign-in", request_body = EmergencyBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer")),
    responses((status = 200, description = "In, for an hour", body = EmergencyTokenBody),
        (status = 202, description = "Waits for an approval", body = WaitingBody), Refusals))]
pub(crate) async fn sign_in(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<EmergencyBody>,
) -> Result<Response, Problem> {
    let caller = caller.speaking_for(body.client)?;
    let key = header.bind(&caller, &raw)?;
    let knock = EmergencyKnock {
        phone: telephone(&body.phone, &caller.application)?,
        master_key: body.master_key,
        reason: body.reason,
        request: body.request_id.as_deref().map(request).transpose()?,
    };
    let engine = &entrance.doors.engine;
    let mut response = match engine.sign_in_emergency(&caller, knock, key.as_ref()).await? {
        EmergencyAnswer::Tokens(tokens) => {
            axum::Json(EmergencyTokenBody::new(*tokens, engine.now())).into_response()
        }
        EmergencyAnswer::Waiting { request } => {
            let body = WaitingBody { request_id: request.to_string() };
            (StatusCode::ACCEPTED, axum::Json(body)).into_response()
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn request(text: &str) -> Result<EmergencyRequestId, Problem> {
    text.parse().map_err(|_| Problem::field("request_id", "must be the id that the first call answered"))
}

//! The passkeys of a user.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{clock::Timestamp, factor::passkey::Transport};
use backstop_engine::factor::{NewPasskeyRequest, PasskeyReport};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;
use crate::{
    Entrance,
    api::{sign_in::passkey::BegunBody, verifications::ask::NoFields},
    error::Problem,
    extract::{Json, OfUser, PasskeyPart},
    openapi::Refusals,
};

/// A passkey.
#[derive(Serialize, ToSchema)]
#[schema(as = Passkey)]
pub(crate) struct PasskeyBody {
    /// Names it, in base64url.
    id: String,
    /// What the person calls it.
    #[schema(example = "Meera's phone")]
    name: String,
    /// When it was made.
    created_at: String,
    /// When it last signed the person in.
    last_used_at: Option<String>,
    /// Whether it is copied to other devices of the person.
    backed_up: bool,
    /// How a browser can reach it.
    #[schema(value_type = Vec<String>)]
    transports: Vec<Transport>,
}

/// The passkeys of a user, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Passkeys)]
pub(crate) struct PasskeysBody {
    passkeys: Vec<PasskeyBody>,
}

/// What the browser made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPasskey)]
pub(crate) struct NewPasskeyBody {
    /// What came with the options.
    state: String,
    /// The credential, as `toJSON()` gives it.
    #[schema(value_type = Object)]
    response: serde_json::Value,
    /// What the person calls it.
    #[schema(example = "Meera's phone")]
    name: String,
}

impl PasskeyBody {
    fn new(report: PasskeyReport) -> Self {
        Self {
            id: report.id.to_string(),
            name: report.name,
            created_at: report.created_at.to_rfc3339(),
            last_used_at: report.last_used_at.map(Timestamp::to_rfc3339),
            backed_up: report.backed_up,
            transports: report.transports,
        }
    }
}

/// List a user's passkeys.
#[utoipa::path(get, path = "/v1/users/{id}/factors/passkeys", operation_id = "list_passkeys", tag = "factors",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "The passkeys", body = PasskeysBody), Refusals))]
pub(crate) async fn list(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Answer<PasskeysBody> {
    let passkeys = entrance.doors.engine.passkeys(&manager, user).await?;
    Ok(axum::Json(PasskeysBody { passkeys: passkeys.into_iter().map(PasskeyBody::new).collect() }))
}

/// Begin to make a passkey.
#[utoipa::path(post, path = "/v1/users/{id}/factors/passkeys/options", operation_id = "passkey_options", tag = "factors", request_body = Option<NoFields>,
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "What the browser needs", body = BegunBody), Refusals))]
pub(crate) async fn options(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    Json { body: NoFields {}, .. }: Json<NoFields>,
) -> Answer<BegunBody> {
    let begun = entrance.doors.engine.passkey_options(&manager, user).await?;
    Ok(axum::Json(BegunBody::new(begun)))
}

/// Add a passkey that the browser made.
#[utoipa::path(post, path = "/v1/users/{id}/factors/passkeys", operation_id = "add_passkey", tag = "factors", request_body = NewPasskeyBody,
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 201, description = "The passkey", body = PasskeyBody), Refusals))]
pub(crate) async fn add(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    Json { body, .. }: Json<NewPasskeyBody>,
) -> Result<(StatusCode, axum::Json<PasskeyBody>), Problem> {
    let request = NewPasskeyRequest { state: body.state, response: body.response, name: body.name };
    let added = entrance.doors.engine.add_passkey(&manager, user, request).await?;
    Ok((StatusCode::CREATED, axum::Json(PasskeyBody::new(added))))
}

/// Remove a passkey.
#[utoipa::path(delete, path = "/v1/users/{id}/factors/passkeys/{credential}", operation_id = "remove_passkey", tag = "factors",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token"),
        ("credential" = String, Path, description = "The passkey")),
    responses((status = 204, description = "It is gone"), Refusals))]
pub(crate) async fn remove(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    PasskeyPart(passkey): PasskeyPart,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.remove_passkey(&manager, user, passkey).await?;
    Ok(StatusCode::NO_CONTENT)
}

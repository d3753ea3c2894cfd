//! The authenticator app of a user.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::secret::SecretString;
use backstop_engine::factor::TotpEnrolled;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;
use crate::{
    Entrance,
    api::{sign_in::ask::code, told},
    error::Problem,
    extract::{Json, OfUser},
    openapi::Refusals,
};

/// How the new seed is shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EnrolTotp)]
pub(crate) struct EnrolBody {
    /// `svg` (the default), or `png` for a picture in base64 beside it.
    #[schema(example = "svg")]
    qr: Option<String>,
}

/// A new seed. It is shown here and never again.
#[derive(Serialize, ToSchema)]
#[schema(as = TotpEnrolment)]
pub(crate) struct EnrolledBody {
    /// The seed in base32, for people who cannot scan.
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    secret: SecretString,
    /// The `otpauth://` address that apps scan.
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    uri: SecretString,
    /// The same as a picture.
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    qr_svg: SecretString,
    /// The same as a PNG in base64.
    #[serde(serialize_with = "told::maybe", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    qr_png: Option<SecretString>,
    /// Until when the first code must have come.
    expires_at: String,
}

impl EnrolledBody {
    fn new(enrolled: TotpEnrolled, png: bool) -> Self {
        Self {
            secret: enrolled.secret,
            uri: enrolled.uri,
            qr_svg: SecretString::new(enrolled.qr_svg),
            qr_png: png.then(|| SecretString::new(BASE64_STANDARD.encode(&enrolled.qr_png))),
            expires_at: enrolled.expires_at.to_rfc3339(),
        }
    }
}

/// A first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmTotp)]
pub(crate) struct ConfirmBody {
    /// What the app shows.
    #[schema(value_type = String, example = "492817")]
    code: SecretString,
}

/// Begin to enrol an authenticator app.
///
/// One that is in use stays in use until the first code of this one has come, within ten minutes.
#[utoipa::path(post, path = "/v1/users/{id}/factors/totp", operation_id = "enrol_totp", tag = "factors", request_body = Option<EnrolBody>,
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "The seed, shown once", body = EnrolledBody), Refusals))]
pub(crate) async fn enrol(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    Json { body, .. }: Json<EnrolBody>,
) -> Answer<EnrolledBody> {
    let png = match body.qr.as_deref() {
        None | Some("svg") => false,
        Some("png") => true,
        Some(_) => return Err(Problem::field("qr", "must be svg or png")),
    };
    let enrolled = entrance.doors.engine.enrol_totp(&manager, user).await?;
    Ok(axum::Json(EnrolledBody::new(enrolled, png)))
}

/// Take an authenticator app into use by its first code.
#[utoipa::path(post, path = "/v1/users/{id}/factors/totp/confirm", operation_id = "confirm_totp", tag = "factors", request_body = ConfirmBody,
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 204, description = "It is in use"), Refusals))]
pub(crate) async fn confirm(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    Json { body, .. }: Json<ConfirmBody>,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.confirm_totp(&manager, user, code(&body.code)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove the authenticator app.
#[utoipa::path(delete, path = "/v1/users/{id}/factors/totp", operation_id = "remove_totp", tag = "factors",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 204, description = "It is gone"), Refusals))]
pub(crate) async fn remove(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.remove_totp(&manager, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! The password of a user.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::secret::SecretString;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    Entrance,
    error::Problem,
    extract::{Json, OfUser},
    openapi::Refusals,
};

/// A password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetPassword)]
pub(crate) struct PasswordBody {
    /// 8 to 128 characters; none of the well-known ones.
    #[schema(value_type = String)]
    password: SecretString,
}

/// Set a user's password.
///
/// Another one in place of the first ends all other sessions and the trust in the user's devices.
#[utoipa::path(put, path = "/v1/users/{id}/factors/password", operation_id = "set_password", tag = "factors", request_body = PasswordBody,
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 204, description = "It is set"), Refusals))]
pub(crate) async fn set(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    Json { body, .. }: Json<PasswordBody>,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.set_password(&manager, user, &body.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a user's password.
#[utoipa::path(delete, path = "/v1/users/{id}/factors/password", operation_id = "remove_password", tag = "factors",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 204, description = "It is gone"), Refusals))]
pub(crate) async fn remove(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.remove_password(&manager, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

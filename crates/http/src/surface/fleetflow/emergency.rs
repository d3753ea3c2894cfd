//! FleetFlow: the master override for admins.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use backstop_domain::secret::SecretString;
use backstop_engine::emergency::{EmergencyAnswer, EmergencyError, EmergencyKnock};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ask::phone, unauthorized};
use crate::{
    Entrance,
    api::told,
    error::{Code, Problem},
    extract::Json,
    surface::{Fleetflow, Visitor, expires_in},
};

pub(crate) const ADMIN: &str = "/auth/emergency/admin";

/// Who wants to get in, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FleetflowEmergency)]
pub(crate) struct Admin {
    /// The admin's confirmed number.
    #[schema(value_type = String, example = "+919876543210")]
    phone: SecretString,
    /// The master key.
    #[schema(value_type = String)]
    master_key: SecretString,
    /// Why, in 1 to 500 characters; operators read it.
    reason: String,
}

/// The admin is in, for an hour.
#[derive(Serialize, ToSchema)]
#[schema(as = FleetflowEmergencyAccess)]
pub(crate) struct AdminIn {
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    access_token: SecretString,
    message: &'static str,
    #[schema(example = 3600)]
    expires_in: u64,
    warning: &'static str,
}

/// FleetFlow: an admin gets in with the master key, when no other way works.
#[utoipa::path(post, path = "/auth/emergency/admin", tag = "drop-in", request_body = Admin, security(()),
    responses((status = 200, description = "In, for an hour", body = AdminIn),
        (status = 202, description = "Somebody else has to approve it first: go on at /v1/sign-in/emergency"),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 401, description = "Not the key"),
        (status = 403, description = "Not an admin"),
        (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn admin(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Fleetflow>,
    Json { body, .. }: Json<Admin>,
) -> Result<Response, Problem> {
    let knock = EmergencyKnock {
        phone: phone(&body.phone, &caller)?,
        master_key: body.master_key,
        reason: body.reason,
        request: None,
    };
    match entrance.doors.engine.sign_in_emergency(&caller, knock, None).await {
        Ok(EmergencyAnswer::Tokens(tokens)) => Ok(axum::Json(AdminIn {
            expires_in: expires_in(&tokens),
            access_token: tokens.access_token,
            message: "Emergency access granted",
            warning: "This was recorded and told to the operators. Replace the master key.",
        })
        .into_response()),
        Ok(EmergencyAnswer::Waiting { request }) => {
            let body = serde_json::json!({ "request_id": request.to_string() });
            Ok((StatusCode::ACCEPTED, axum::Json(body)).into_response())
        }
        // Towards whoever guesses, a surface without a key is one with another key.
        Err(EmergencyError::WrongKey | EmergencyError::Off) => Err(unauthorized("Invalid master key")),
        Err(EmergencyError::NotServed) => Err(Problem::new(Code::EmergencyNotServed, "Not an admin")),
        Err(error) => Err(error.into()),
    }
}

//! The backup codes of a user: as JSON, or as a page to print. Either way they are shown once.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use backstop_domain::secret::SecretString;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::{
    Entrance,
    api::{told, verifications::ask::NoFields},
    error::Problem,
    extract::{Json, OfUser},
    openapi::Refusals,
    page,
};

/// A new set of codes. It is shown here and never again.
#[derive(Serialize, ToSchema)]
#[schema(as = BackupCodes)]
pub(crate) struct CodesBody {
    /// Each is good once.
    #[serde(serialize_with = "told::each")]
    #[schema(value_type = Vec<String>)]
    codes: Vec<SecretString>,
}

/// How many codes there are.
#[derive(Serialize, ToSchema)]
#[schema(as = BackupCodesLeft)]
pub(crate) struct LeftBody {
    /// How many can still be used.
    #[schema(example = 9)]
    left: u32,
    /// When the set was made.
    generated_at: String,
}

/// What the page shows.
#[derive(Serialize)]
struct Sheet<'a> {
    brand: &'a str,
    day: &'a str,
    codes: Vec<&'a str>,
}

/// Make backup codes.
///
/// The old set, if there is one, is good for nothing then. With `Accept: text/html` the answer is a page to print, without
/// scripts and without anything from elsewhere.
#[utoipa::path(post, path = "/v1/users/{id}/factors/backup-codes", operation_id = "generate_backup_codes", tag = "factors", request_body = Option<NoFields>,
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "The codes, shown once",
        content((CodesBody = "application/json"), (String = "text/html"))), Refusals))]
pub(crate) async fn generate(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    headers: HeaderMap,
    Json { body: NoFields {}, .. }: Json<NoFields>,
) -> Result<Response, Problem> {
    let engine = &entrance.doors.engine;
    let codes = engine.generate_backup_codes(&manager, user).await?;
    if !prefers_a_page(&headers) {
        return Ok(axum::Json(CodesBody { codes }).into_response());
    }
    let now = engine.now().to_rfc3339();
    let sheet = Sheet {
        brand: &manager.caller.application.brand,
        day: now.split('T').next().unwrap_or_default(),
        codes: codes.iter().map(SecretString::expose).collect(),
    };
    Ok(page::sheet("backup_codes.html", sheet))
}

/// Whether HTML is named and JSON is not.
fn prefers_a_page(headers: &HeaderMap) -> bool {
    let accepts = |wanted: &str| {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut kinds = values.flat_map(|value| value.split(','));
        kinds.any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted)))
    };
    accepts("text/html") && !accepts("application/json")
}

/// Say how many backup codes are left.
#[utoipa::path(get, path = "/v1/users/{id}/factors/backup-codes", operation_id = "count_backup_codes", tag = "factors",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "How many", body = LeftBody), Refusals))]
pub(crate) async fn count(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Answer<LeftBody> {
    let report = entrance.doors.engine.backup_codes(&manager, user).await?;
    Ok(axum::Json(LeftBody { left: report.left, generated_at: report.generated_at.to_rfc3339() }))
}

/// Revoke all backup codes.
#[utoipa::path(delete, path = "/v1/users/{id}/factors/backup-codes", operation_id = "revoke_backup_codes", tag = "factors",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 204, description = "None is good any more"), Refusals))]
pub(crate) async fn revoke(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.revoke_backup_codes(&manager, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

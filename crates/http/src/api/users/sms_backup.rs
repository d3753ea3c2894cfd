//! The code by SMS that stands in for an authenticator app, for an application that signs its people in itself.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::secret::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;
use crate::{
    Entrance,
    api::sign_in::ask::{code, telephone, verification},
    extract::{IdempotencyHeader, Json, OfUserByKey},
    openapi::Refusals,
};

/// Where the code goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StartSmsBackup)]
pub(crate) struct StartBody {
    /// Another number than the user's first confirmed one.
    #[schema(value_type = Option<String>, example = "+14155550123")]
    phone: Option<SecretString>,
}

/// It is on its way.
#[derive(Serialize, ToSchema)]
#[schema(as = SmsBackupStarted)]
pub(crate) struct StartedBody {
    /// Where to.
    #[schema(example = "+1••••••••23")]
    masked_phone: String,
    /// To come with the code.
    verification_id: String,
}

/// A code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CheckSmsBackup)]
pub(crate) struct CheckBody {
    /// What the person typed.
    #[schema(value_type = String)]
    code: SecretString,
    /// Which verification; whatever is live for the user's own number, if nothing is said.
    verification_id: Option<String>,
}

/// Whether it was right.
#[derive(Serialize, ToSchema)]
#[schema(as = SmsBackupChecked)]
pub(crate) struct CheckedBody {
    valid: bool,
}

/// Send a code in place of one of an authenticator app.
///
/// For an application that signs its people in itself: a right code is told and signs nobody in here.
#[utoipa::path(post, path = "/v1/users/{id}/sms-backup/start", operation_id = "start_sms_backup", tag = "users", request_body = Option<StartBody>,
    params(("id" = String, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "The same key, body and credential within 60 s get the first answer")),
    responses((status = 200, description = "It is on its way", body = StartedBody), Refusals))]
pub(crate) async fn start(
    State(entrance): State<Arc<Entrance>>,
    OfUserByKey { manager, user }: OfUserByKey,
    header: IdempotencyHeader,
    Json { body, raw }: Json<StartBody>,
) -> Answer<StartedBody> {
    let key = header.bind(&manager.caller, &raw)?;
    let phone = body.phone.as_ref().map(|phone| telephone(phone, &manager.caller.application)).transpose()?;
    let started = entrance.doors.engine.start_sms_backup(&manager, user, phone, key.as_ref()).await?;
    let report = started.verification;
    Ok(axum::Json(StartedBody { masked_phone: report.to, verification_id: report.id.to_string() }))
}

/// Check a code that stands in for one of an authenticator app.
#[utoipa::path(post, path = "/v1/users/{id}/sms-backup/check", operation_id = "check_sms_backup", tag = "users", request_body = CheckBody,
    params(("id" = String, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "The same key, body and credential within 60 s get the first answer, and no check is charged")),
    responses((status = 200, description = "Whether it was right", body = CheckedBody), Refusals))]
pub(crate) async fn check(
    State(entrance): State<Arc<Entrance>>,
    OfUserByKey { manager, user }: OfUserByKey,
    header: IdempotencyHeader,
    Json { body, raw }: Json<CheckBody>,
) -> Answer<CheckedBody> {
    let key = header.bind(&manager.caller, &raw)?;
    let id = body.verification_id.as_deref().map(verification).transpose()?;
    let code = code(&body.code)?;
    let valid = entrance.doors.engine.check_sms_backup(&manager, user, code, id, key.as_ref()).await?;
    Ok(axum::Json(CheckedBody { valid }))
}

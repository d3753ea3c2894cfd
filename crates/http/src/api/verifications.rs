//! Start, read, check, resend, redeem, cancel and list verifications.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod words;

use std::sync::Arc;

use axum::extract::State;
use backstop_engine::verify::ResendRequest;
use http::{HeaderName, StatusCode, header};

use crate::{
    Entrance,
    error::Problem,
    evenly,
    extract::{Caller, IdempotencyHeader, Json, OfVerification, Query},
    openapi::Refusals,
};
use answer::{CheckBody, ProofBody, VerificationBody, VerificationPageBody};
use ask::{CheckBodyIn, CheckRecipientBody, ListQuery, NoFields, RedeemBody, ResendBody, StartBody};

type Answer<T> = Result<axum::Json<T>, Problem>;
type Created<T> = Result<(StatusCode, [(HeaderName, String); 1], axum::Json<T>), Problem>;

/// Start a verification.
///
/// The code is on its way when this answers, or will be: no vendor is waited for unless `wait` asks. With a publishable
/// key only `to`, `channel`, `prefer`, `purpose` and `locale` are taken.
#[utoipa::path(post, path = "/v1/verifications", operation_id = "start_verification", tag = "verifications", request_body = StartBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer")),
    responses((status = 201, description = "Started, or joined", body = VerificationBody), Refusals))]
pub(crate) async fn start(
    State(entrance): State<Arc<Entrance>>,
    Caller(caller): Caller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<StartBody>,
) -> Created<VerificationBody> {
    let key = header.bind(&caller, &raw)?;
    let request = body.into_request(&caller.application)?;
    let waited = request.wait;
    let started = entrance.doors.engine.start(&caller, request, key.as_ref()).await?;
    let mut body = VerificationBody::new(&started.verification);
    if waited {
        body = body.with_route(started.used);
    }
    let place = format!("/v1/verifications/{}", started.verification.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], axum::Json(body)))
}

/// Read a verification.
///
/// With a secret key also its attempts: each hand-over to a vendor and what the vendor said.
#[utoipa::path(get, path = "/v1/verifications/{id}", operation_id = "read_verification", tag = "verifications",
    params(("id" = String, Path, description = "The verification")),
    responses((status = 200, description = "The verification", body = VerificationBody), Refusals))]
pub(crate) async fn read(
    State(entrance): State<Arc<Entrance>>,
    Caller(caller): Caller,
    OfVerification(id): OfVerification,
) -> Answer<VerificationBody> {
    if caller.authority.is_public() {
        // Whoever reads may be looking whether anything was sent.
        let report = evenly::answer(&entrance, entrance.doors.engine.read(&caller, id)).await?;
        return Ok(axum::Json(VerificationBody::new(&report)));
    }
    let report = entrance.doors.engine.read(&caller, id).await?;
    Ok(axum::Json(VerificationBody::new(&report).with_attempts(&report)))
}

/// List verifications, newest first.
#[utoipa::path(get, path = "/v1/verifications", operation_id = "list_verifications", tag = "verifications", params(ListQuery),
    responses((status = 200, description = "A page", body = VerificationPageBody), Refusals))]
pub(crate) async fn list(
    State(entrance): State<Arc<Entrance>>,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> Answer<VerificationPageBody> {
    let query = query.into_query(&caller.application)?;
    let page = entrance.doors.engine.list(&caller, query).await?;
    Ok(axum::Json(VerificationPageBody::new(&page)))
}

/// Check a submitted code.
///
/// A wrong code is an answer, not an error. One check approves; a code works once. Where a provider makes and checks the
/// codes itself and does not answer, this is 503 with `Retry-After`, and the check was counted: the same `Idempotency-Key` asks
/// again and is not counted again.
#[utoipa::path(post, path = "/v1/verifications/{id}/check", operation_id = "check_verification", tag = "verifications", request_body = CheckBodyIn,
    params(("id" = String, Path, description = "The verification"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "The same key, body and credential within 60 s get the first answer, and no check is charged")),
    responses((status = 200, description = "Whether the code was right", body = CheckBody), Refusals))]
pub(crate) async fn check(
    State(entrance): State<Arc<Entrance>>,
    Caller(caller): Caller,
    OfVerification(id): OfVerification,
    header: IdempotencyHeader,
    Json { body, raw }: Json<CheckBodyIn>,
) -> Answer<CheckBody> {
    let key = header.bind(&caller, &raw)?;
    let report = entrance.doors.engine.check(&caller, body.into_request(id)?, key.as_ref()).await?;
    Ok(axum::Json(CheckBody::new(&report)))
}

/// Check a submitted code by its recipient.
///
/// Held against all live verifications of the recipient for this purpose, charged once; at most one is approved, and
/// `id` names it. One whose code a provider made is asked about only if no other is live. Takes a secret key.
#[utoipa::path(post, path = "/v1/verifications/check", operation_id = "check_recipient", tag = "verifications", request_body = CheckRecipientBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no check is charged")),
    responses((status = 200, description = "Whether the code was right", body = CheckBody), Refusals))]
pub(crate) async fn check_recipient(
    State(entrance): State<Arc<Entrance>>,
    Caller(caller): Caller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<CheckRecipientBody>,
) -> Answer<CheckBody> {
    let key = header.bind(&caller, &raw)?;
    let request = body.into_request(&caller.application)?;
    let report = entrance.doors.engine.check(&caller, request, key.as_ref()).await?;
    Ok(axum::Json(CheckBody::new(&report)))
}

/// Send the same code again.
///
/// Over the verification's own channels, or over one that the body names.
#[utoipa::path(post, path = "/v1/verifications/{id}/resend", operation_id = "resend_verification", tag = "verifications", request_body = Option<ResendBody>,
    params(("id" = String, Path, description = "The verification"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "The same key, body and credential within 60 s get the first answer, and nothing more is sent")),
    responses((status = 200, description = "It goes out again", body = VerificationBody), Refusals))]
pub(crate) async fn resend(
    State(entrance): State<Arc<Entrance>>,
    Caller(caller): Caller,
    OfVerification(id): OfVerification,
    header: IdempotencyHeader,
    Json { body, raw }: Json<ResendBody>,
) -> Answer<VerificationBody> {
    let key = header.bind(&caller, &raw)?;
    let request = ResendRequest { id, channel: body.channel()? };
    let report = entrance.doors.engine.resend(&caller, request, key.as_ref()).await?;
    Ok(axum::Json(VerificationBody::new(&report)))
}

/// Redeem an approved verification.
///
/// Once, within ten minutes of the approval, with a secret key: this is how a backend learns who was proven. What a
/// browser says proves nothing.
#[utoipa::path(post, path = "/v1/verifications/{id}/redeem", operation_id = "redeem_verification", tag = "verifications", request_body = Option<RedeemBody>,
    params(("id" = String, Path, description = "The verification")),
    responses((status = 200, description = "The proof", body = ProofBody), Refusals))]
pub(crate) async fn redeem(
    State(entrance): State<Arc<Entrance>>,
    Caller(caller): Caller,
    OfVerification(id): OfVerification,
    Json { body, .. }: Json<RedeemBody>,
) -> Answer<ProofBody> {
    let proof = entrance.doors.engine.redeem(&caller, id, body.purpose()?).await?;
    Ok(axum::Json(ProofBody::new(proof)))
}

/// Cancel a pending verification.
///
/// Its code is worth nothing from now on. Canceling twice is well. Takes a secret key.
#[utoipa::path(post, path = "/v1/verifications/{id}/cancel", operation_id = "cancel_verification", tag = "verifications", request_body = Option<NoFields>,
    params(("id" = String, Path, description = "The verification")),
    responses((status = 200, description = "It is canceled", body = VerificationBody), Refusals))]
pub(crate) async fn cancel(
    State(entrance): State<Arc<Entrance>>,
    Caller(caller): Caller,
    OfVerification(id): OfVerification,
    Json { body: NoFields {}, .. }: Json<NoFields>,
) -> Answer<VerificationBody> {
    let report = entrance.doors.engine.cancel(&caller, id).await?;
    Ok(axum::Json(VerificationBody::new(&report)))
}

//! FleetFlow's calls: a code that is sent and checked, a backup code, emergency access, and a device that is remembered.
//!
//! A send answers after the same time for everybody, known or not, and says of the channel only what holds for everybody. Every
//! way in answers alike for a wrong proof and for somebody unknown.

mod answer;
mod ask;
pub(crate) mod device;
pub(crate) mod emergency;

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use backstop_domain::{delivery::DeliveryState, factor::backup_code::SubmittedBackupCode, purpose::Purpose};
use backstop_engine::{
    Caller, VerificationReport,
    sign_in::{Knock, OtpCheck, OtpStart, OtpTarget, SignInError, SignedIn},
    verify::StartError,
};
use futures::future;

use self::{
    answer::{NothingWorks, OtpSent, SignedInBody, nothing_works},
    ask::{BackupCode, OtpSend, OtpVerify, code, phone},
};
use super::{Fleetflow, Visitor, refused};
use crate::{
    Entrance, FleetflowSurface,
    error::{Code, Problem},
    extract::Json,
};

type Answer<T> = Result<axum::Json<T>, Problem>;

pub(crate) const OTP_SEND: &str = "/auth/otp/send";
pub(crate) const OTP_VERIFY: &str = "/auth/otp/verify";
pub(crate) const BACKUP_CODE: &str = "/auth/emergency/backup-code";

/// FleetFlow: send a code to sign in with. Answers after a fixed time, known or not.
#[utoipa::path(post, path = "/auth/otp/send", tag = "drop-in", request_body = OtpSend, security(()),
    responses((status = 200, description = "It is on its way, or nobody has this number: both look the same", body = OtpSent),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`"),
        (status = 503, description = "No channel works, for anybody", body = NothingWorks)))]
pub(crate) async fn send(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Fleetflow>,
    Json { body, .. }: Json<OtpSend>,
) -> Result<Response, Problem> {
    let settings = settings(&entrance)?;
    let start = OtpStart {
        knock: Knock::Address(phone(&body.phone, &caller)?),
        selection: body.selection()?,
        purpose: Purpose::login(),
        locale: None,
        session: None,
        wait: false,
    };
    // Both begin here, when the request is whole: whoever sends it slowly does not shorten the wait.
    let waited = entrance.doors.engine.pause(settings.answer_after);
    let sent = async {
        let started = started(&entrance, &caller, start).await?;
        Ok(entrance.doors.engine.read(&caller, started.id).await)
    };
    let ((), sent) = future::join(waited, sent).await;
    let report = match sent {
        Ok(report) => report?,
        Err(SignInError::Start(StartError::NoChannel)) => return Ok(nothing_works(settings)),
        Err(error) => return Err(refused(error, "")),
    };
    if report.delivery == DeliveryState::Undeliverable {
        return Ok(nothing_works(settings));
    }
    Ok(axum::Json(OtpSent::of(&report)).into_response())
}

/// FleetFlow: sign in with the code.
#[utoipa::path(post, path = "/auth/otp/verify", tag = "drop-in", request_body = OtpVerify, security(()),
    responses((status = 200, description = "Tokens, or the second way that is asked for", body = SignedInBody),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 401, description = "`{\"error\": \"…\"}`"),
        (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn verify(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Fleetflow>,
    Json { body, .. }: Json<OtpVerify>,
) -> Answer<SignedInBody> {
    const REFUSED: &str = "Invalid or expired code";
    let check = OtpCheck {
        target: OtpTarget::Address(phone(&body.phone, &caller)?),
        remember: body.remember_device.map(ask::Remember::into_device).transpose()?,
        code: code(&body.otp).ok_or_else(|| unauthorized(REFUSED))?,
        mfa_token: None,
    };
    told(entrance.doors.engine.sign_in_otp_verify(&caller, check, None).await, REFUSED)
}

/// FleetFlow: sign in with a backup code.
#[utoipa::path(post, path = "/auth/emergency/backup-code", tag = "drop-in", request_body = BackupCode, security(()),
    responses((status = 200, description = "Tokens, or the second way that is asked for", body = SignedInBody),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 401, description = "`{\"error\": \"Invalid backup code\"}`"),
        (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn backup_code(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Fleetflow>,
    Json { body, .. }: Json<BackupCode>,
) -> Answer<SignedInBody> {
    const REFUSED: &str = "Invalid backup code";
    let knock = Knock::Address(phone(&body.phone, &caller)?);
    let code = SubmittedBackupCode::parse(body.backup_code.expose()).map_err(|_| unauthorized(REFUSED))?;
    told(entrance.doors.engine.sign_in_backup_code(&caller, &knock, code, None).await, REFUSED)
}

async fn started(
    entrance: &Entrance,
    caller: &Caller,
    start: OtpStart,
) -> Result<VerificationReport, SignInError> {
    Ok(entrance.doors.engine.sign_in_otp(caller, start, None).await?.verification)
}

fn settings(entrance: &Entrance) -> Result<&FleetflowSurface, Problem> {
    let settings = entrance.doors.compat.fleetflow.as_ref();
    settings.ok_or_else(|| Problem::internal("a surface that is off was called"))
}

fn told(signed_in: Result<SignedIn, SignInError>, sentence: &'static str) -> Answer<SignedInBody> {
    match signed_in {
        Ok(signed_in) => Ok(axum::Json(signed_in.into())),
        Err(error) => Err(refused(error, sentence)),
    }
}

fn unauthorized(sentence: &'static str) -> Problem {
    Problem::new(Code::Unauthorized, sentence)
}

//! The calls of two older services: SmartFin's (`/send-otp`, `/verify-otp`) and the asynchronous OTP service's
//! (`/api/auth/send-otp`, `/api/auth/verify-otp`).
//!
//! A check answers alike for a wrong code and for a recipient whom no code was sent to: who has a code on the way is
//! nobody else's to learn. Numbers come back masked.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{
    code::SubmittedCode,
    purpose::Purpose,
    recipient::{PhoneNumber, Recipient},
    secret::SecretString,
    verification::{CheckAnswer, Status},
};
use backstop_engine::{
    Caller,
    verify::{CheckError, CheckRequest, Selection, StartRequest},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AsyncOtp, Smartfin, Surface, Visitor,
    smartfin::{self, PASSWORD_RESET},
};
use crate::{
    Entrance,
    api::verifications::ask::{channel, purpose},
    error::{Code, Problem},
    extract::Json,
};

type Answer<T> = Result<axum::Json<T>, Problem>;

/// Who wants a code, over what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmartfinSend {
    /// A telephone number or an e-mail address.
    #[schema(value_type = String, example = "+14155550123")]
    to: SecretString,
    /// `sms` (the default), `email` or `whatsapp`.
    channel: Option<String>,
    /// What the code is for; `login` if nothing is said.
    purpose: Option<String>,
}

/// The code is on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmartfinSent {
    success: bool,
    #[schema(example = "pending")]
    status: &'static str,
    /// Masked.
    to: String,
    channel: &'static str,
}

/// A code as it was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmartfinVerify {
    /// Who the code went to.
    #[schema(value_type = String, example = "+14155550123")]
    to: SecretString,
    /// What the person typed.
    #[schema(value_type = String, example = "492817")]
    code: SecretString,
}

/// Whether it was right.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmartfinVerified {
    valid: bool,
    #[schema(example = "approved")]
    status: &'static str,
}

/// SmartFin: send a code.
#[utoipa::path(post, path = "/send-otp", tag = "drop-in", request_body = SmartfinSend, security(()),
    responses((status = 200, description = "It is on its way", body = SmartfinSent),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn smartfin_send(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Smartfin>,
    Json { body, .. }: Json<SmartfinSend>,
) -> Answer<SmartfinSent> {
    let name = body.channel.as_deref().unwrap_or("sms");
    if !matches!(name, "sms" | "email" | "whatsapp") {
        return Err(Problem::new(Code::UnknownChannel, "the channels are sms, email and whatsapp"));
    }
    let to = Recipient::parse(body.to.expose(), caller.application.default_region)?;
    let purpose = body.purpose.as_deref().map_or_else(|| Ok(Purpose::login()), purpose)?;
    let selection = Selection::Only(channel(name)?);
    let report = if purpose.as_str() == PASSWORD_RESET {
        smartfin::reset_code(&entrance, &caller, to, selection, purpose).await?
    } else {
        let request = StartRequest { selection, ..StartRequest::new(to, purpose) };
        entrance.doors.engine.start(&caller, request, None).await?.verification
    };
    let (status, channel) = (report.status.as_str(), report.channel.as_str());
    Ok(axum::Json(SmartfinSent { success: true, status, to: report.to, channel }))
}

/// SmartFin: check a code, whatever it is for.
#[utoipa::path(post, path = "/verify-otp", tag = "drop-in", request_body = SmartfinVerify, security(()),
    responses((status = 200, description = "Whether it was right", body = SmartfinVerified),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn smartfin_verify(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Smartfin>,
    Json { body, .. }: Json<SmartfinVerify>,
) -> Answer<SmartfinVerified> {
    let to = Recipient::parse(body.to.expose(), caller.application.default_region)?;
    let answer = check(&entrance, &caller, to, None, &body.code).await?;
    Ok(axum::Json(match answer {
        Some(answer) => SmartfinVerified { valid: answer.valid, status: answer.status.as_str() },
        None => SmartfinVerified { valid: false, status: Status::Pending.as_str() },
    }))
}

/// Who wants a code, and what for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AsyncOtpSend {
    /// A telephone number.
    #[schema(value_type = String, example = "+14155550123")]
    phone: SecretString,
    /// 1 or `login`, 2 or `registration`, 3 or `password_reset`.
    purpose: NumberedPurpose,
}

/// A code as it was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AsyncOtpVerify {
    /// Who the code went to.
    #[schema(value_type = String, example = "+14155550123")]
    phone: SecretString,
    /// What the person typed.
    #[schema(value_type = String, example = "4928")]
    otp: SecretString,
    /// 1 or `login`, 2 or `registration`, 3 or `password_reset`.
    purpose: NumberedPurpose,
}

/// A purpose by its number or its word.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "1, 2, 3, login, registration or password_reset")]
enum NumberedPurpose {
    Number(u8),
    Word(String),
}

impl NumberedPurpose {
    fn read(&self) -> Result<Purpose, Problem> {
        let word = match self {
            Self::Number(1) => Some("login"),
            Self::Number(2) => Some("registration"),
            Self::Number(3) => Some("password_reset"),
            Self::Number(_) => None,
            Self::Word(word) => AsyncOtp::PURPOSES.iter().copied().find(|known| known == word),
        };
        word.map_or_else(
            || Err(Problem::field("purpose", "must be 1, 2, 3, login, registration or password_reset")),
            purpose,
        )
    }
}

/// It was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct AsyncOtpDone {
    success: bool,
}

/// Asynchronous OTP: send a code. Answers at once.
#[utoipa::path(post, path = "/api/auth/send-otp", tag = "drop-in", request_body = AsyncOtpSend, security(()),
    responses((status = 200, description = "It is on its way", body = AsyncOtpDone),
        (status = 400, description = "`{\"success\": false, \"message\": \"…\"}`"),
        (status = 429, description = "`{\"success\": false, \"message\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn async_otp_send(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<AsyncOtp>,
    Json { body, .. }: Json<AsyncOtpSend>,
) -> Answer<AsyncOtpDone> {
    let request = StartRequest::new(phone(&body.phone, &caller)?, body.purpose.read()?);
    entrance.doors.engine.start(&caller, request, None).await?;
    Ok(axum::Json(AsyncOtpDone { success: true }))
}

/// Asynchronous OTP: check a code.
#[utoipa::path(post, path = "/api/auth/verify-otp", tag = "drop-in", request_body = AsyncOtpVerify, security(()),
    responses((status = 200, description = "It was right", body = AsyncOtpDone),
        (status = 400, description = "`{\"success\": false, \"message\": \"…\"}`"),
        (status = 401, description = "It was not: `{\"success\": false, \"message\": \"…\"}`"),
        (status = 429, description = "`{\"success\": false, \"message\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn async_otp_verify(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<AsyncOtp>,
    Json { body, .. }: Json<AsyncOtpVerify>,
) -> Answer<AsyncOtpDone> {
    let to = phone(&body.phone, &caller)?;
    let answer = check(&entrance, &caller, to, Some(body.purpose.read()?), &body.otp).await?;
    if answer.is_some_and(|answer| answer.valid) {
        Ok(axum::Json(AsyncOtpDone { success: true }))
    } else {
        Err(Problem::new(Code::Unauthorized, "the code is wrong or no longer valid"))
    }
}

fn phone(text: &SecretString, caller: &Caller) -> Result<Recipient, Problem> {
    Ok(Recipient::Phone(PhoneNumber::parse(text.expose(), caller.application.default_region)?))
}

/// Checks by recipient. `None`: no code could look like this, or none was sent.
async fn check(
    entrance: &Entrance,
    caller: &Caller,
    to: Recipient,
    purpose: Option<Purpose>,
    code: &SecretString,
) -> Result<Option<CheckAnswer>, Problem> {
    let Ok(submitted) = SubmittedCode::parse(code.expose()) else { return Ok(None) };
    let request = CheckRequest::Recipient(to, purpose, submitted);
    match entrance.doors.engine.check(caller, request, None).await {
        Ok(report) => Ok(Some(report.answer)),
        Err(CheckError::NotFound | CheckError::WrongForm) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

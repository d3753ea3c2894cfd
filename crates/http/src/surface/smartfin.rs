//! What SmartFin does with a code beside checking it: a person registers, or changes a password that they forgot.
//!
//! A code to change a password belongs to a person, and goes to nobody where there is none: the answer is the same.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{
    code::SubmittedCode,
    purpose::Purpose,
    recipient::{PhoneNumber, Recipient},
    secret::SecretString,
};
use backstop_engine::{
    Caller, VerificationReport,
    sign_in::{
        Knock, OtpStart, OtpTarget, PasswordReset, ResetBy, ResetError, SignInError, SignUp, SignUpError,
    },
    verify::Selection,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Smartfin, Visitor, expires_in, refused};
use crate::{
    Entrance,
    api::told,
    error::{Code, Problem, password_refused},
    extract::Json,
};

pub(super) const PASSWORD_RESET: &str = "password_reset";
pub(crate) const REGISTER: &str = "/register-with-otp";
pub(crate) const FORGOT: &str = "/forgot-password-otp";

/// One sentence for whatever is wrong with a code or with whom it went to.
const REFUSED: &str = "Invalid or expired code";

/// Somebody new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmartfinRegister {
    /// An e-mail address beside the number; nobody has shown to hold it yet.
    #[schema(value_type = String, example = "asha@example.com")]
    email: SecretString,
    /// 8 to 128 characters.
    #[schema(value_type = String)]
    password: SecretString,
    /// The number that the code went to.
    #[schema(value_type = String, example = "+14155550123")]
    phone: SecretString,
    /// What the person typed.
    #[schema(value_type = String, example = "492817")]
    otp_code: SecretString,
}

/// The person is there, and in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmartfinRegistered {
    success: bool,
    user_id: String,
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    access_token: SecretString,
    #[serde(serialize_with = "told::maybe", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
    #[schema(example = 600)]
    expires_in: u64,
}

/// Somebody who forgot their password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmartfinForgot {
    /// An e-mail address of the person.
    #[schema(value_type = String, example = "asha@example.com")]
    email: SecretString,
    /// The number that the code went to.
    #[schema(value_type = String, example = "+14155550123")]
    phone: SecretString,
    /// What the person typed.
    #[schema(value_type = String, example = "492817")]
    otp_code: SecretString,
    /// 8 to 128 characters.
    #[schema(value_type = String)]
    new_password: SecretString,
}

/// The password is set.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmartfinDone {
    success: bool,
}

/// SmartFin: register with a number that a code went to.
#[utoipa::path(post, path = "/register-with-otp", tag = "drop-in", request_body = SmartfinRegister, security(()),
    responses((status = 201, description = "The person is there, and in", body = SmartfinRegistered),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn register(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Smartfin>,
    Json { body, .. }: Json<SmartfinRegister>,
) -> Result<(StatusCode, axum::Json<SmartfinRegistered>), Problem> {
    let sign_up = SignUp {
        target: OtpTarget::Address(number(&body.phone, &caller)?),
        code: code(&body.otp_code)?,
        // A code that was asked for without saying what for is one to sign in with.
        purposes: vec![registration()?, Purpose::login()],
        email: Some(mail(&body.email)?),
        password: Some(body.password),
        remember: None,
    };
    let tokens = match entrance.doors.engine.sign_up(&caller, sign_up, None).await {
        Ok(tokens) => tokens,
        Err(SignUpError::AddressTaken) => return Err(bad("The number belongs to a user: sign in instead")),
        Err(SignUpError::Password(why)) => return Err(password_refused("password", why)),
        Err(SignUpError::SignIn(error)) => return Err(bad_code(error)),
    };
    Ok((
        StatusCode::CREATED,
        axum::Json(SmartfinRegistered {
            success: true,
            user_id: tokens.user.to_string(),
            expires_in: expires_in(&tokens),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
        }),
    ))
}

/// SmartFin: set a new password with a code. One answer for a wrong code, somebody unknown, and somebody who needs a second way.
#[utoipa::path(post, path = "/forgot-password-otp", tag = "drop-in", request_body = SmartfinForgot, security(()),
    responses((status = 200, description = "It is set; every session has ended", body = SmartfinDone),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn forgot(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Smartfin>,
    Json { body, .. }: Json<SmartfinForgot>,
) -> Result<axum::Json<SmartfinDone>, Problem> {
    let settings = entrance.doors.compat.smartfin.as_ref();
    let by = ResetBy::Named {
        to: number(&body.phone, &caller)?,
        code: code(&body.otp_code)?,
        other: mail(&body.email)?,
        loose: settings.is_some_and(|settings| settings.loose_purpose),
    };
    let reset = PasswordReset { by, new_password: body.new_password, second: None };
    match entrance.doors.engine.reset_password(&caller, reset, None).await {
        Ok(()) => Ok(axum::Json(SmartfinDone { success: true })),
        Err(ResetError::Password(why)) => Err(password_refused("new_password", why)),
        Err(ResetError::SecondFactorRequired(_) | ResetError::PersonalPassword(..)) => Err(bad(REFUSED)),
        Err(ResetError::SignIn(error)) => Err(bad_code(error)),
    }
}

fn registration() -> Result<Purpose, Problem> {
    "registration".parse().map_err(|_| Problem::internal("a purpose of ours is none"))
}

fn number(text: &SecretString, caller: &Caller) -> Result<Recipient, Problem> {
    Ok(Recipient::Phone(PhoneNumber::parse(text.expose(), caller.application.default_region)?))
}

fn mail(text: &SecretString) -> Result<Recipient, Problem> {
    match Recipient::parse(text.expose(), None)? {
        email @ Recipient::Email(_) => Ok(email),
        Recipient::Phone(_) => Err(Problem::field("email", "must be an e-mail address")),
    }
}

fn code(text: &SecretString) -> Result<SubmittedCode, Problem> {
    SubmittedCode::parse(text.expose()).map_err(|_| bad(REFUSED))
}

fn bad_code(error: SignInError) -> Problem {
    match error {
        SignInError::Refused | SignInError::MfaToken | SignInError::SameWay => bad(REFUSED),
        other => refused(other, REFUSED),
    }
}

fn bad(sentence: &'static str) -> Problem {
    Problem::new(Code::InvalidRequest, sentence)
}

/// Sends a code to change a password with; to somebody unknown nothing, with the same answer.
pub(super) async fn reset_code(
    entrance: &Arc<Entrance>,
    caller: &Caller,
    to: Recipient,
    selection: Selection,
    purpose: Purpose,
) -> Result<VerificationReport, Problem> {
    let start =
        OtpStart { knock: Knock::Address(to), selection, purpose, locale: None, session: None, wait: false };
    let started = entrance.doors.engine.sign_in_otp(caller, start, None).await;
    Ok(started.map_err(|error| refused(error, "no code can be sent to this address"))?.verification)
}

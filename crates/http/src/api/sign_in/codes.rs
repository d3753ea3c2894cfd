//! Signing in with a code: one that was sent, one of an authenticator app, one of a printed list.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{factor::backup_code::SubmittedBackupCode, purpose::Purpose, secret::SecretString};
use backstop_engine::{
    sign_in::{Knock, OtpCheck, OtpStart},
    verify::Selection,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Answer,
    answer::{CodeSentBody, SignedInBody},
    ask::{RememberBody, address, code, knock, target},
    signed_in,
};
use crate::{
    Entrance,
    api::verifications::{
        ask::{ClientBody, channel},
        words::ChannelWord,
    },
    error::{Code, Problem},
    extract::{IdempotencyHeader, Json, Object, SignInCaller},
    openapi::Refusals,
};

/// To whom a code goes, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SendCode)]
pub(crate) struct SendCodeBody {
    /// The person's telephone number. One of `phone`, `email` and `mfa_token`.
    #[schema(value_type = Option<String>, example = "+14155550123")]
    phone: Option<SecretString>,
    /// The person's mail address.
    #[schema(value_type = Option<String>)]
    email: Option<SecretString>,
    /// The token of a first way: the code goes to a confirmed address of that person.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
    /// This channel alone.
    #[schema(value_type = Option<ChannelWord>)]
    channel: Option<String>,
    /// The application's ladder, with this channel first.
    #[schema(value_type = Option<ChannelWord>)]
    prefer: Option<String>,
    /// The language of the message, as `en` or `hi-IN`.
    locale: Option<String>,
    /// An opaque word for one person's browser: an equal call with the same word sends the same code again.
    session: Option<String>,
    /// Wait until a vendor has taken the message, 8 seconds at the most. Takes a secret key.
    wait: Option<bool>,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

impl SendCodeBody {
    /// Reads every field.
    pub(crate) fn read(
        self,
        caller: SignInCaller,
        purpose: Purpose,
    ) -> Result<(backstop_engine::Caller, OtpStart), Problem> {
        let caller = caller.speaking_for(self.client)?;
        let to = address(self.phone.as_ref(), self.email.as_ref(), &caller.application)?;
        let selection = match (self.channel, self.prefer) {
            (None, None) => Selection::Ladder,
            (Some(only), None) => Selection::Only(channel(&only)?),
            (None, Some(first)) => Selection::Prefer(channel(&first)?),
            (Some(_), Some(_)) => {
                return Err(Problem::new(Code::InvalidRequest, "send `channel` or `prefer`, not both"));
            }
        };
        let start = OtpStart {
            knock: knock(to, self.mfa_token)?,
            selection,
            purpose,
            locale: self.locale,
            session: self.session,
            wait: self.wait.unwrap_or(false),
        };
        Ok((caller, start))
    }
}

/// Send a code to sign in with.
///
/// Over the application's ladder of channels. Somebody unknown gets nothing, and the same answer. It can be read and resent like
/// any verification.
#[utoipa::path(post, path = "/v1/sign-in/otp", operation_id = "sign_in_send_code", tag = "sign-in", request_body = SendCodeBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer")),
    responses((status = 200, description = "It is on its way, or would be", body = CodeSentBody), Refusals))]
pub(crate) async fn send(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<SendCodeBody>,
) -> Answer<CodeSentBody> {
    let (caller, start) = body.read(caller, Purpose::login())?;
    let key = header.bind(&caller, &raw)?;
    let started = entrance.doors.engine.sign_in_otp(&caller, start, key.as_ref()).await?;
    Ok(axum::Json(CodeSentBody::new(&started)))
}

/// A code that was sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInWithCode)]
pub(crate) struct VerifyBody {
    /// What the sending answered. One of `verification_id`, `phone` and `email`.
    verification_id: Option<String>,
    /// Where the code went.
    #[schema(value_type = Option<String>)]
    phone: Option<SecretString>,
    /// Where the code went.
    #[schema(value_type = Option<String>)]
    email: Option<SecretString>,
    /// What the person typed; spaces and hyphens do not matter.
    #[schema(value_type = String, example = "492 817")]
    code: SecretString,
    /// The token of a first way, if this is the second.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
    /// Remember this device: later it is a way in by itself.
    #[schema(value_type = Option<RememberBody>)]
    remember_device: Option<Object<RememberBody>>,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

/// Sign in with a code that was sent.
///
/// A code counts once. With `remember_device` the answer has a `device_token`.
#[utoipa::path(post, path = "/v1/sign-in/otp/verify", operation_id = "sign_in_with_code", tag = "sign-in", request_body = VerifyBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no try is charged")),
    responses((status = 200, description = "In, or a second way is asked for", body = SignedInBody), Refusals))]
pub(crate) async fn verify(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<VerifyBody>,
) -> Answer<SignedInBody> {
    let caller = caller.speaking_for(body.client)?;
    let key = header.bind(&caller, &raw)?;
    let to = address(body.phone.as_ref(), body.email.as_ref(), &caller.application)?;
    let check = OtpCheck {
        target: target(body.verification_id.as_deref(), to)?,
        code: code(&body.code)?,
        mfa_token: body.mfa_token,
        remember: body.remember_device.map(|Object(device)| device.into_device()).transpose()?,
    };
    let answered = entrance.doors.engine.sign_in_otp_verify(&caller, check, key.as_ref()).await?;
    Ok(signed_in(&entrance, answered))
}

/// A code that the person holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInWithHeldCode)]
pub(crate) struct HeldCodeBody {
    /// The person's telephone number. One of `phone`, `email` and `mfa_token`.
    #[schema(value_type = Option<String>, example = "+14155550123")]
    phone: Option<SecretString>,
    /// The person's mail address.
    #[schema(value_type = Option<String>)]
    email: Option<SecretString>,
    /// The token of a first way, if this is the second.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
    /// What the person typed; spaces and hyphens do not matter.
    #[schema(value_type = String)]
    code: SecretString,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

impl HeldCodeBody {
    fn read(self, caller: SignInCaller) -> Result<(backstop_engine::Caller, Knock, SecretString), Problem> {
        let caller = caller.speaking_for(self.client)?;
        let to = address(self.phone.as_ref(), self.email.as_ref(), &caller.application)?;
        Ok((caller, knock(to, self.mfa_token)?, self.code))
    }
}

/// Sign in with a code of an authenticator app.
#[utoipa::path(post, path = "/v1/sign-in/totp", operation_id = "sign_in_with_totp", tag = "sign-in", request_body = HeldCodeBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no try is charged")),
    responses((status = 200, description = "In, or a second way is asked for", body = SignedInBody), Refusals))]
pub(crate) async fn totp(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<HeldCodeBody>,
) -> Answer<SignedInBody> {
    let (caller, knock, text) = body.read(caller)?;
    let key = header.bind(&caller, &raw)?;
    let code = code(&text)?;
    let answered = entrance.doors.engine.sign_in_totp(&caller, &knock, code, key.as_ref()).await?;
    Ok(signed_in(&entrance, answered))
}

/// Sign in with a backup code.
///
/// It is used up, and the person hears of it.
#[utoipa::path(post, path = "/v1/sign-in/backup-code", operation_id = "sign_in_with_backup_code", tag = "sign-in", request_body = HeldCodeBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no try is charged")),
    responses((status = 200, description = "In, or a second way is asked for", body = SignedInBody), Refusals))]
pub(crate) async fn backup_code(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<HeldCodeBody>,
) -> Answer<SignedInBody> {
    let (caller, knock, text) = body.read(caller)?;
    let key = header.bind(&caller, &raw)?;
    let code = SubmittedBackupCode::parse(text.expose()).map_err(|_| crate::error::wrong_form())?;
    let answered = entrance.doors.engine.sign_in_backup_code(&caller, &knock, code, key.as_ref()).await?;
    Ok(signed_in(&entrance, answered))
}

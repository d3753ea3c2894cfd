//! Passwords: signing in with one, and setting another one when it is forgotten.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{factor::Factor, purpose::Purpose, secret::SecretString};
use backstop_engine::sign_in::{PasswordReset, ResetBy, ResetError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer,
    answer::{ChallengeBody, CodeSentBody, SignedInBody},
    ask::{address, code, knock, target},
    codes::SendCodeBody,
    signed_in,
};
use crate::{
    Entrance,
    api::verifications::ask::ClientBody,
    error::{Code, Problem},
    extract::{IdempotencyHeader, Json, Object, SignInCaller},
    openapi::Refusals,
};

/// A password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInWithPassword)]
pub(crate) struct PasswordBody {
    /// The person's telephone number. One of `phone`, `email` and `mfa_token`.
    #[schema(value_type = Option<String>)]
    phone: Option<SecretString>,
    /// The person's mail address.
    #[schema(value_type = Option<String>, example = "meera@example.com")]
    email: Option<SecretString>,
    /// The token of a first way, if this is the second.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
    /// The password.
    #[schema(value_type = String)]
    password: SecretString,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

/// Sign in with a password.
#[utoipa::path(post, path = "/v1/sign-in/password", operation_id = "sign_in_with_password", tag = "sign-in", request_body = PasswordBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no try is charged")),
    responses((status = 200, description = "In, or a second way is asked for", body = SignedInBody), Refusals))]
pub(crate) async fn sign_in(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<PasswordBody>,
) -> Answer<SignedInBody> {
    let caller = caller.speaking_for(body.client)?;
    let key = header.bind(&caller, &raw)?;
    let to = address(body.phone.as_ref(), body.email.as_ref(), &caller.application)?;
    let knock = knock(to, body.mfa_token)?;
    let answered =
        entrance.doors.engine.sign_in_password(&caller, knock, body.password, key.as_ref()).await?;
    Ok(signed_in(&entrance, answered))
}

/// Send a code to reset a password.
///
/// As for signing in: somebody unknown gets nothing, and the same answer.
#[utoipa::path(post, path = "/v1/password/forgot", operation_id = "forgot_password", tag = "sign-in", request_body = SendCodeBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer")),
    responses((status = 200, description = "It is on its way, or would be", body = CodeSentBody), Refusals))]
pub(crate) async fn forgot(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<SendCodeBody>,
) -> Answer<CodeSentBody> {
    let (caller, start) = body.read(caller, Purpose::password_reset())?;
    let key = header.bind(&caller, &raw)?;
    let started = entrance.doors.engine.sign_in_otp(&caller, start, key.as_ref()).await?;
    Ok(axum::Json(CodeSentBody::new(&started)))
}

/// A new password, and what proves the person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResetPassword)]
pub(crate) struct ResetBody {
    /// What the sending answered. One of `verification_id`, `phone` and `email`, with `code`; or `mfa_token` alone.
    verification_id: Option<String>,
    /// Where the code went.
    #[schema(value_type = Option<String>)]
    phone: Option<SecretString>,
    /// Where the code went.
    #[schema(value_type = Option<String>)]
    email: Option<SecretString>,
    /// What the person typed.
    #[schema(value_type = Option<String>)]
    code: Option<SecretString>,
    /// In place of the code: the token that an earlier call answered, whose code was right.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
    /// 8 to 128 characters; none of the well-known ones.
    #[schema(value_type = String)]
    new_password: SecretString,
    /// The second way of a person who holds one.
    #[schema(value_type = Option<SecondBody>)]
    second: Option<Object<SecondBody>>,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

/// A second way.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondWay)]
pub(crate) struct SecondBody {
    /// `totp` or `backup_code`.
    #[schema(example = "totp")]
    way: String,
    /// The code.
    #[schema(value_type = String)]
    code: SecretString,
}

impl SecondBody {
    fn read(self) -> Result<(Factor, SecretString), Problem> {
        let way = Factor::parse(&self.way).filter(|way| matches!(way, Factor::Totp | Factor::BackupCode));
        let way = way.ok_or_else(|| Problem::field("second.way", "must be totp or backup_code"))?;
        Ok((way, self.code))
    }
}

/// What a reset led to.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
#[schema(as = PasswordReset)]
pub(crate) enum ResetAnswer {
    /// The password is set, and every session is over.
    PasswordSet,
    /// The code was right. This person needs a second way too: send it in `second`, with the token in place of the code.
    SecondFactorRequired(ChallengeBody),
    /// The code was right. This password cannot be this person's: send another one, with the token in place of the code.
    AnotherPasswordRequired {
        /// What is wrong with it.
        detail: String,
        /// The token.
        #[serde(flatten)]
        challenge: ChallengeBody,
    },
}

/// Set a new password by a code.
///
/// The code is one of `POST /v1/password/forgot`, and counts once. A person who holds a second way shows it too. Every session
/// and every trusted device of the person ends.
#[utoipa::path(post, path = "/v1/password/reset", operation_id = "reset_password", tag = "sign-in", request_body = ResetBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no try is charged")),
    responses((status = 200, description = "It is set, or more is needed", body = ResetAnswer), Refusals))]
pub(crate) async fn reset(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<ResetBody>,
) -> Answer<ResetAnswer> {
    let caller = caller.speaking_for(body.client)?;
    let key = header.bind(&caller, &raw)?;
    let to = address(body.phone.as_ref(), body.email.as_ref(), &caller.application)?;
    let by = match (body.mfa_token, body.code) {
        (Some(token), None) if to.is_none() && body.verification_id.is_none() => ResetBy::Token(token),
        (None, Some(text)) => {
            ResetBy::Code { target: target(body.verification_id.as_deref(), to)?, code: code(&text)? }
        }
        _ => {
            return Err(Problem::new(
                Code::InvalidRequest,
                "send `code` with what it is held against, or `mfa_token` alone",
            ));
        }
    };
    let second = body.second.map(|Object(second)| second.read()).transpose()?;
    let request = PasswordReset { by, new_password: body.new_password, second };
    let answer = match entrance.doors.engine.reset_password(&caller, request, key.as_ref()).await {
        Ok(()) => ResetAnswer::PasswordSet,
        Err(ResetError::SecondFactorRequired(challenge)) => {
            ResetAnswer::SecondFactorRequired(ChallengeBody::new(challenge))
        }
        Err(ResetError::PersonalPassword(why, challenge)) => ResetAnswer::AnotherPasswordRequired {
            detail: why.to_string(),
            challenge: ChallengeBody::new(challenge),
        },
        Err(ResetError::Password(why)) => return Err(crate::error::password_refused("new_password", why)),
        Err(ResetError::SignIn(error)) => return Err(error.into()),
    };
    Ok(axum::Json(answer))
}

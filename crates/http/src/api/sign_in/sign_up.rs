//! Signing up: whoever shows that they hold an address becomes a user.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{purpose::Purpose, secret::SecretString};
use backstop_engine::sign_in::SignUp;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answer::TokensBody,
    ask::{RememberBody, code, mailbox, target, telephone},
};
use crate::{
    Entrance,
    api::verifications::ask::ClientBody,
    error::Problem,
    extract::{IdempotencyHeader, Json, Object, SignInCaller},
    openapi::Refusals,
};

/// Whoever signs up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignUp)]
pub(crate) struct SignUpBody {
    /// The verification of the address, started with `purpose: "registration"`. Either this or `phone`.
    verification_id: Option<String>,
    /// The number that the code went to.
    #[schema(value_type = Option<String>, example = "+14155550123")]
    phone: Option<SecretString>,
    /// What the person typed.
    #[schema(value_type = String)]
    code: SecretString,
    /// A mail address beside it. It counts for nothing until it is confirmed.
    #[schema(value_type = Option<String>)]
    email: Option<SecretString>,
    /// A password: 8 to 128 characters; none of the well-known ones.
    #[schema(value_type = Option<String>)]
    password: Option<SecretString>,
    /// Remember this device: later it is a way in by itself.
    #[schema(value_type = Option<RememberBody>)]
    remember_device: Option<Object<RememberBody>>,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

/// Sign up.
///
/// With the code of a verification for `registration`: its address becomes the first confirmed one of a new user.
#[utoipa::path(post, path = "/v1/sign-up", operation_id = "sign_up", tag = "sign-in", request_body = SignUpBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no second user")),
    responses((status = 201, description = "A new user, who is in", body = TokensBody), Refusals))]
pub(crate) async fn sign_up(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<SignUpBody>,
) -> Result<(StatusCode, axum::Json<TokensBody>), Problem> {
    let caller = caller.speaking_for(body.client)?;
    let key = header.bind(&caller, &raw)?;
    let phone = body.phone.as_ref().map(|phone| telephone(phone, &caller.application)).transpose()?;
    let request = SignUp {
        target: target(body.verification_id.as_deref(), phone)?,
        code: code(&body.code)?,
        purposes: vec![Purpose::registration()],
        email: body.email.as_ref().map(mailbox).transpose()?,
        password: body.password,
        remember: body.remember_device.map(|Object(device)| device.into_device()).transpose()?,
    };
    let engine = &entrance.doors.engine;
    let tokens = engine.sign_up(&caller, request, key.as_ref()).await?;
    Ok((StatusCode::CREATED, axum::Json(TokensBody::new(tokens, engine.now()))))
}

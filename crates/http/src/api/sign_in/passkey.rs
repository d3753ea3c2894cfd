//! Signing in with a passkey: the options for the browser, then what it made of them.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::secret::SecretString;
use backstop_engine::{factor::passkey::Begun, sign_in::PasskeySignIn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer,
    answer::SignedInBody,
    ask::{address, maybe_knock},
    signed_in,
};
use crate::{
    Entrance,
    api::verifications::ask::ClientBody,
    extract::{IdempotencyHeader, Json, Object, SignInCaller},
    openapi::Refusals,
};

/// Of whom a passkey is asked for: of anyone, if nothing is said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AskForPasskey)]
pub(crate) struct OptionsBody {
    /// Of whoever has this number. At most one of `phone`, `email` and `mfa_token`.
    #[schema(value_type = Option<String>)]
    phone: Option<SecretString>,
    /// Of whoever has this address.
    #[schema(value_type = Option<String>)]
    email: Option<SecretString>,
    /// Of whoever went a first way.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

/// The first half of a ceremony.
#[derive(Serialize, ToSchema)]
#[schema(as = PasskeyOptions)]
pub(crate) struct BegunBody {
    /// For `PublicKeyCredential.parseRequestOptionsFromJSON`, or `parseCreationOptionsFromJSON` when one is made.
    #[schema(value_type = Object)]
    options: serde_json::Value,
    /// To come back with the browser's response.
    state: String,
    /// Until when.
    expires_at: String,
}

impl BegunBody {
    pub(crate) fn new(begun: Begun) -> Self {
        Self { options: begun.options, state: begun.state, expires_at: begun.expires_at.to_rfc3339() }
    }
}

/// Ask for a passkey.
///
/// Somebody unknown gets options too, with passkeys that look like any.
#[utoipa::path(post, path = "/v1/sign-in/passkey/options", operation_id = "passkey_sign_in_options", tag = "sign-in", request_body = Option<OptionsBody>,
    responses((status = 200, description = "What the browser needs", body = BegunBody), Refusals))]
pub(crate) async fn options(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    Json { body, .. }: Json<OptionsBody>,
) -> Answer<BegunBody> {
    let caller = caller.speaking_for(body.client)?;
    let to = address(body.phone.as_ref(), body.email.as_ref(), &caller.application)?;
    let knock = maybe_knock(to, body.mfa_token)?;
    let begun = entrance.doors.engine.passkey_sign_in_options(&caller, knock.as_ref()).await?;
    Ok(axum::Json(BegunBody::new(begun)))
}

/// What the browser made of the options.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInWithPasskey)]
pub(crate) struct PasskeyBody {
    /// What came with the options.
    state: String,
    /// The credential, as `toJSON()` gives it.
    #[schema(value_type = Object)]
    response: serde_json::Value,
    /// Whose number the options were asked with, if they were.
    #[schema(value_type = Option<String>)]
    phone: Option<SecretString>,
    /// Whose address the options were asked with, if they were.
    #[schema(value_type = Option<String>)]
    email: Option<SecretString>,
    /// The token of a first way, if this is the second.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

/// Sign in with a passkey.
///
/// One that made sure who the person is counts as both ways at once.
#[utoipa::path(post, path = "/v1/sign-in/passkey/verify", operation_id = "sign_in_with_passkey", tag = "sign-in", request_body = PasskeyBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer")),
    responses((status = 200, description = "In, or a second way is asked for", body = SignedInBody), Refusals))]
pub(crate) async fn verify(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<PasskeyBody>,
) -> Answer<SignedInBody> {
    let caller = caller.speaking_for(body.client)?;
    let key = header.bind(&caller, &raw)?;
    let request = PasskeySignIn {
        mfa_token: body.mfa_token,
        knock: address(body.phone.as_ref(), body.email.as_ref(), &caller.application)?,
        state: body.state,
        response: body.response,
    };
    let answered = entrance.doors.engine.sign_in_passkey(&caller, request, key.as_ref()).await?;
    Ok(signed_in(&entrance, answered))
}

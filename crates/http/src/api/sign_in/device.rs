//! Signing in with a trusted device, alone or with its PIN.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{id::DeviceId, secret::SecretString};
use backstop_engine::sign_in::{DeviceChallengeReport, DeviceProof, DeviceSignIn};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer,
    answer::SignedInBody,
    ask::{address, external_id, maybe_knock},
    signed_in,
};
use crate::{
    Entrance,
    api::verifications::ask::ClientBody,
    error::{Code, Problem},
    extract::{IdempotencyHeader, Json, Object, SignInCaller},
    openapi::Refusals,
};

/// Which device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AskForChallenge)]
pub(crate) struct ChallengeForBody {
    /// The device.
    device_id: String,
}

/// What a device signs to prove itself.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceChallenge)]
pub(crate) struct DeviceChallengeBody {
    /// The challenge.
    challenge: String,
    /// Until when it can be answered.
    expires_at: String,
}

impl DeviceChallengeBody {
    fn new(report: DeviceChallengeReport) -> Self {
        Self { challenge: report.challenge, expires_at: report.expires_at.to_rfc3339() }
    }
}

/// Ask for a challenge for a device with a key.
///
/// There is one for every id, whether or not there is such a device.
#[utoipa::path(post, path = "/v1/sign-in/device/challenge", operation_id = "device_challenge", tag = "sign-in", request_body = ChallengeForBody,
    responses((status = 200, description = "The challenge", body = DeviceChallengeBody), Refusals))]
pub(crate) async fn challenge(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    Json { body, .. }: Json<ChallengeForBody>,
) -> Answer<DeviceChallengeBody> {
    let caller = caller.speaking_for(None)?;
    let report = entrance.doors.engine.device_challenge(&caller, device(&body.device_id)?);
    Ok(axum::Json(DeviceChallengeBody::new(report)))
}

/// A signature over a challenge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeviceSignature)]
pub(crate) struct SignatureBody {
    /// The device.
    device_id: String,
    /// The challenge, as it was answered.
    challenge: String,
    /// The signature of the device's key, in base64url.
    signature: String,
}

/// A device that shows itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInWithDevice)]
pub(crate) struct DeviceBody {
    /// Whose device it is. A `proof` needs one of `phone`, `email` and `mfa_token`; a token names its person itself.
    #[schema(value_type = Option<String>)]
    phone: Option<SecretString>,
    /// Whose device it is.
    #[schema(value_type = Option<String>)]
    email: Option<SecretString>,
    /// The token of a first way, if this is the second.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
    /// The device's token. Either this or `proof`.
    #[schema(value_type = Option<String>)]
    device_token: Option<SecretString>,
    /// The signature of the device's key.
    #[schema(value_type = Option<SignatureBody>)]
    proof: Option<Object<SignatureBody>>,
    /// Your own word for the device, if it is to be compared.
    external_id: Option<String>,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

/// A device that shows itself, and its PIN.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInWithPin)]
pub(crate) struct PinBody {
    /// Whose device it is. A `proof` needs one of `phone`, `email` and `mfa_token`; a token names its person itself.
    #[schema(value_type = Option<String>)]
    phone: Option<SecretString>,
    /// Whose device it is.
    #[schema(value_type = Option<String>)]
    email: Option<SecretString>,
    /// The token of a first way, if this is the second.
    #[schema(value_type = Option<String>)]
    mfa_token: Option<SecretString>,
    /// The device's token. Either this or `proof`.
    #[schema(value_type = Option<String>)]
    device_token: Option<SecretString>,
    /// The signature of the device's key.
    #[schema(value_type = Option<SignatureBody>)]
    proof: Option<Object<SignatureBody>>,
    /// Your own word for the device, if it is to be compared.
    external_id: Option<String>,
    /// 4 to 6 digits.
    #[schema(value_type = String)]
    pin: SecretString,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

impl PinBody {
    fn split(self) -> (DeviceBody, SecretString) {
        let device = DeviceBody {
            phone: self.phone,
            email: self.email,
            mfa_token: self.mfa_token,
            device_token: self.device_token,
            proof: self.proof,
            external_id: self.external_id,
            client: self.client,
        };
        (device, self.pin)
    }
}

impl DeviceBody {
    fn read(self, caller: SignInCaller) -> Result<(backstop_engine::Caller, DeviceSignIn), Problem> {
        let caller = caller.speaking_for(self.client)?;
        let to = address(self.phone.as_ref(), self.email.as_ref(), &caller.application)?;
        let knock = maybe_knock(to, self.mfa_token)?;
        let proof = match (self.device_token, self.proof) {
            (Some(token), None) => DeviceProof::Token(token),
            (None, Some(Object(proof))) if knock.is_some() => proof.read()?,
            (None, Some(_)) => {
                return Err(Problem::new(
                    Code::InvalidRequest,
                    "a `proof` needs `phone`, `email` or `mfa_token` beside it",
                ));
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(Problem::new(Code::InvalidRequest, "send either `device_token` or `proof`"));
            }
        };
        let external_id = self.external_id.map(|id| external_id("external_id", &id)).transpose()?;
        Ok((caller, DeviceSignIn { knock, external_id, proof, rotate: true }))
    }
}

impl SignatureBody {
    fn read(self) -> Result<DeviceProof, Problem> {
        let signature = BASE64_URL_SAFE_NO_PAD.decode(&self.signature);
        Ok(DeviceProof::Signature {
            device: device(&self.device_id)?,
            challenge: self.challenge,
            signature: signature
                .map_err(|_| Problem::field("proof.signature", "must be base64url without padding"))?,
        })
    }
}

fn device(text: &str) -> Result<DeviceId, Problem> {
    text.parse().map_err(|_| Problem::field("device_id", "must be the id of a device"))
}

/// Sign in with a trusted device.
///
/// By the token that it was given, or by a signature of its key over a challenge. The answer holds the next `device_token`; the
/// one before stays good until that is first used.
#[utoipa::path(post, path = "/v1/sign-in/device", operation_id = "sign_in_with_device", tag = "sign-in", request_body = DeviceBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no try is charged")),
    responses((status = 200, description = "In, or a second way is asked for", body = SignedInBody), Refusals))]
pub(crate) async fn sign_in(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<DeviceBody>,
) -> Answer<SignedInBody> {
    let (caller, request) = body.read(caller)?;
    let key = header.bind(&caller, &raw)?;
    let answered = entrance.doors.engine.sign_in_device(&caller, request, key.as_ref()).await?;
    Ok(signed_in(&entrance, answered))
}

/// Sign in with a trusted device and its PIN.
///
/// With a signature of the device's key it is both ways at once.
#[utoipa::path(post, path = "/v1/sign-in/pin", operation_id = "sign_in_with_pin", tag = "sign-in", request_body = PinBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no try is charged")),
    responses((status = 200, description = "In, or a second way is asked for", body = SignedInBody), Refusals))]
pub(crate) async fn pin(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<PinBody>,
) -> Answer<SignedInBody> {
    let (body, pin) = body.split();
    let (caller, request) = body.read(caller)?;
    let key = header.bind(&caller, &raw)?;
    let answered = entrance.doors.engine.sign_in_pin(&caller, request, pin, key.as_ref()).await?;
    Ok(signed_in(&entrance, answered))
}

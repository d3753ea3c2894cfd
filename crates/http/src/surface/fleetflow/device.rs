//! FleetFlow: a remembered device signs in, alone or with its PIN. On these calls its token stays the same.
//!
//! `device_id` is the caller's own word for the device and proves nothing; it must be the one that the device was remembered under.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{factor::trusted_device::ExternalDeviceId, id::DeviceId, secret::SecretString};
use backstop_engine::{
    Caller,
    sign_in::{DeviceProof, DeviceSignIn, Knock},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Answer,
    answer::SignedInBody,
    ask::{phone, taken},
    told, unauthorized,
};
use crate::{
    Entrance,
    error::{Code, Problem},
    extract::{Json, Object},
    surface::{Fleetflow, Visitor},
};

pub(crate) const LOGIN: &str = "/auth/device/login";
pub(crate) const PIN: &str = "/auth/device/pin";

const REFUSED: &str = "Device is not trusted";

/// A device that shows its token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FleetflowDeviceLogin)]
pub(crate) struct DeviceLogin {
    /// Whose it is.
    #[schema(value_type = String, example = "+919876543210")]
    phone: SecretString,
    /// Your own word for it.
    #[schema(example = "android-7f3a")]
    device_id: String,
    /// What the answer to `/auth/otp/verify` gave it.
    #[schema(value_type = String)]
    device_token: SecretString,
}

/// A device with its PIN.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FleetflowPin)]
pub(crate) struct DevicePinLogin {
    /// Whose it is.
    #[schema(value_type = String, example = "+919876543210")]
    phone: SecretString,
    /// Your own word for it.
    #[schema(example = "android-7f3a")]
    device_id: String,
    /// Its token; or `proof`.
    #[schema(value_type = Option<String>)]
    device_token: Option<SecretString>,
    /// A signature of its key; or `device_token`.
    #[schema(value_type = Option<DeviceSignature>)]
    proof: Option<Object<DeviceSignature>>,
    /// What the person typed.
    #[schema(value_type = String, example = "2580")]
    pin: SecretString,
}

/// A signature over a challenge of `/v1/sign-in/device/challenge`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FleetflowSignature)]
pub(crate) struct DeviceSignature {
    /// Our id of the device: `dev_…`.
    device: String,
    /// The challenge.
    challenge: String,
    /// The signature, in base64url.
    signature: String,
}

/// FleetFlow: sign in with a remembered device.
#[utoipa::path(post, path = "/auth/device/login", tag = "drop-in", request_body = DeviceLogin, security(()),
    responses((status = 200, description = "Tokens, or the second way that is asked for", body = SignedInBody),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 401, description = "`{\"error\": \"…\"}`"),
        (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn login(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Fleetflow>,
    Json { body, .. }: Json<DeviceLogin>,
) -> Answer<SignedInBody> {
    let device = shown(&caller, &body.phone, &body.device_id, DeviceProof::Token(body.device_token.clone()))?;
    told(entrance.doors.engine.sign_in_device(&caller, device, None).await, REFUSED)
}

/// FleetFlow: sign in with a remembered device and its PIN. Three wrong ones lock it for a day: 429, with `Retry-After`.
#[utoipa::path(post, path = "/auth/device/pin", tag = "drop-in", request_body = DevicePinLogin, security(()),
    responses((status = 200, description = "Tokens, or the second way that is asked for", body = SignedInBody),
        (status = 400, description = "`{\"error\": \"…\"}`"), (status = 401, description = "`{\"error\": \"…\"}`"),
        (status = 429, description = "`{\"error\": \"…\"}`, with `Retry-After`")))]
pub(crate) async fn pin(
    State(entrance): State<Arc<Entrance>>,
    Visitor { caller, .. }: Visitor<Fleetflow>,
    Json { body, .. }: Json<DevicePinLogin>,
) -> Answer<SignedInBody> {
    let proof = match (body.device_token, body.proof) {
        (Some(token), None) => DeviceProof::Token(token),
        (None, Some(Object(proof))) => signature(proof)?,
        _ => return Err(Problem::field("device_token", "or `proof` must come, and not both")),
    };
    let device = shown(&caller, &body.phone, &body.device_id, proof)?;
    told(entrance.doors.engine.sign_in_pin(&caller, device, body.pin, None).await, "Invalid device or PIN")
}

fn shown(
    caller: &Caller,
    number: &SecretString,
    device_id: &str,
    proof: DeviceProof,
) -> Result<DeviceSignIn, Problem> {
    Ok(DeviceSignIn {
        knock: Some(Knock::Address(phone(number, caller)?)),
        external_id: Some(ExternalDeviceId::parse(device_id).map_err(|error| taken("device_id", &error))?),
        proof,
        rotate: false,
    })
}

fn signature(proof: DeviceSignature) -> Result<DeviceProof, Problem> {
    let device: DeviceId = proof.device.parse().map_err(|_| unauthorized(REFUSED))?;
    let signature = BASE64_URL_SAFE_NO_PAD
        .decode(&proof.signature)
        .map_err(|_| Problem::new(Code::InvalidRequest, "`proof.signature` must be base64url"))?;
    Ok(DeviceProof::Signature { device, challenge: proof.challenge, signature })
}

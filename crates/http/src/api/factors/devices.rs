//! The trusted devices of a user: their PINs and their grants for places without a network.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{clock::Timestamp, offline::Audience, secret::SecretString};
use backstop_engine::factor::{DeviceReport, OfflineGrant};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;
use crate::{
    Entrance,
    api::{sign_in::ask::refused, told},
    error::Problem,
    extract::{DevicePart, Json, OfUser},
    openapi::Refusals,
};

/// A trusted device.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct DeviceBody {
    /// Names it.
    id: String,
    /// What the person calls it.
    name: String,
    /// Your own word for it.
    external_id: Option<String>,
    /// When it was remembered.
    created_at: String,
    /// From when on it needs another way in first.
    trusted_until: String,
    /// When it last proved itself.
    last_seen_at: String,
    /// The network it was last seen in, masked.
    #[schema(example = "198.51.100.0/24")]
    network: Option<String>,
    /// Whether it proves itself by a key of its own.
    has_key: bool,
    /// Whether it can still prove itself.
    live: bool,
    /// Its PIN, if one is set.
    pin: Option<PinBody>,
}

/// The PIN of a device.
#[derive(Serialize, ToSchema)]
#[schema(as = DevicePin)]
pub(crate) struct PinBody {
    /// When it was set.
    set_at: String,
    /// From when on it must be set again.
    expires_at: String,
    /// Until when it is locked, if it is.
    locked_until: Option<String>,
}

/// The devices that a user trusts, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Devices)]
pub(crate) struct DevicesBody {
    devices: Vec<DeviceBody>,
}

impl DeviceBody {
    fn new(report: DeviceReport) -> Self {
        Self {
            id: report.id.to_string(),
            name: report.name.as_str().to_owned(),
            external_id: report.external_id.map(|id| id.as_str().to_owned()),
            created_at: report.created_at.to_rfc3339(),
            trusted_until: report.trusted_until.to_rfc3339(),
            last_seen_at: report.last_seen_at.to_rfc3339(),
            network: report.network,
            has_key: report.has_key,
            live: report.is_live,
            pin: report.pin.map(|pin| PinBody {
                set_at: pin.set_at.to_rfc3339(),
                expires_at: pin.expires_at.to_rfc3339(),
                locked_until: pin.locked_until.map(Timestamp::to_rfc3339),
            }),
        }
    }
}

/// List a user's trusted devices.
///
/// A device becomes one at a sign-in with `remember_device`, never here.
#[utoipa::path(get, path = "/v1/users/{id}/factors/devices", operation_id = "list_devices", tag = "factors",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "The devices", body = DevicesBody), Refusals))]
pub(crate) async fn list(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Answer<DevicesBody> {
    let devices = entrance.doors.engine.devices(&manager, user).await?;
    Ok(axum::Json(DevicesBody { devices: devices.into_iter().map(DeviceBody::new).collect() }))
}

/// Trust a device no more.
#[utoipa::path(delete, path = "/v1/users/{id}/factors/devices/{device}", operation_id = "revoke_device", tag = "factors",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token"),
        ("device" = String, Path, description = "The device")),
    responses((status = 204, description = "It is not trusted any more"), Refusals))]
pub(crate) async fn revoke(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    DevicePart(device): DevicePart,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.revoke_device(&manager, user, device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A PIN.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetPin)]
pub(crate) struct SetPinBody {
    /// 4 to 6 digits; none of the well-known ones, and no part of the person's number.
    #[schema(value_type = String)]
    pin: SecretString,
}

/// Set the PIN of a device.
#[utoipa::path(put, path = "/v1/users/{id}/factors/devices/{device}/pin", operation_id = "set_pin", tag = "factors", request_body = SetPinBody,
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token"),
        ("device" = String, Path, description = "The device")),
    responses((status = 204, description = "It is set"), Refusals))]
pub(crate) async fn set_pin(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    DevicePart(device): DevicePart,
    Json { body, .. }: Json<SetPinBody>,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.set_pin(&manager, user, device, &body.pin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove the PIN of a device.
///
/// The device is not trusted any more either; other devices are.
#[utoipa::path(delete, path = "/v1/users/{id}/factors/devices/{device}/pin", operation_id = "remove_pin", tag = "factors",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token"),
        ("device" = String, Path, description = "The device")),
    responses((status = 204, description = "It is gone"), Refusals))]
pub(crate) async fn remove_pin(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    DevicePart(device): DevicePart,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.remove_pin(&manager, user, device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom a grant is shown to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AskForOfflineGrant)]
pub(crate) struct GrantForBody {
    /// 1 to 128 visible ASCII characters.
    #[schema(example = "gate-7")]
    audience: String,
}

/// A grant.
#[derive(Serialize, ToSchema)]
#[schema(as = OfflineGrant)]
pub(crate) struct GrantBody {
    /// A signed token that is worth nothing without the device's key.
    #[serde(serialize_with = "told::one")]
    #[schema(value_type = String)]
    token: SecretString,
    /// When it ends. Nothing ends it before.
    expires_at: String,
}

impl GrantBody {
    fn new(grant: OfflineGrant) -> Self {
        Self { token: grant.token, expires_at: grant.expires_at.to_rfc3339() }
    }
}

/// Grant a device to be shown where there is no network.
///
/// Only a device with a key gets one. Whoever checks it needs the published keys and a fresh signature of the device.
#[utoipa::path(post, path = "/v1/users/{id}/factors/devices/{device}/offline-grant", operation_id = "offline_grant", tag = "factors", request_body = GrantForBody,
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token"),
        ("device" = String, Path, description = "The device")),
    responses((status = 200, description = "The grant", body = GrantBody), Refusals))]
pub(crate) async fn offline_grant(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    DevicePart(device): DevicePart,
    Json { body, .. }: Json<GrantForBody>,
) -> Answer<GrantBody> {
    let audience = Audience::parse(&body.audience).map_err(|error| refused("audience", &error))?;
    let grant = entrance.doors.engine.offline_grant(&manager, user, device, audience).await?;
    Ok(axum::Json(GrantBody::new(grant)))
}

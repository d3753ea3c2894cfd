//! Which thing of a user a path names: a device, a session, a passkey. A text that can name none answers like one that names
//! nobody's.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use backstop_domain::{
    factor::passkey::CredentialId,
    id::{DeviceId, SessionId},
};
use http::request::Parts;

use crate::{
    Entrance,
    error::{Problem, no_such_part},
};

/// The device of the path.
pub(crate) struct DevicePart(pub(crate) DeviceId);
/// The session of the path.
pub(crate) struct SessionPart(pub(crate) SessionId);
/// The passkey of the path, by its id in base64url.
pub(crate) struct PasskeyPart(pub(crate) CredentialId);

impl FromRequestParts<Arc<Entrance>> for DevicePart {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        part(parts, entrance, "device", |text| text.parse().ok()).await.map(Self)
    }
}

impl FromRequestParts<Arc<Entrance>> for SessionPart {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        part(parts, entrance, "session", |text| text.parse().ok()).await.map(Self)
    }
}

impl FromRequestParts<Arc<Entrance>> for PasskeyPart {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        part(parts, entrance, "credential", |text| text.parse().ok()).await.map(Self)
    }
}

async fn part<T>(
    parts: &mut Parts,
    entrance: &Arc<Entrance>,
    name: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, Problem> {
    let params = RawPathParams::from_request_parts(parts, entrance).await.map_err(|_| no_such_part())?;
    let text = params.iter().find(|(known, _)| *known == name);
    text.and_then(|(_, text)| read(text)).ok_or_else(no_such_part)
}

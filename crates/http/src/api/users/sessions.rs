//! A person's sessions: to see where they are signed in, and to end it there.

use std::sync::Arc;

use axum::extract::State;
use backstop_domain::{id::SessionId, token::session::SessionKind};
use backstop_engine::sign_in::SessionReport;
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::{
    Entrance,
    extract::{OfUser, SessionPart},
    openapi::Refusals,
};

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    /// Names it.
    id: String,
    /// Whether it can be used.
    live: bool,
    /// Whether it is the session of the access token that asks.
    current: bool,
    /// Whether it is one of emergency access.
    emergency: bool,
    /// When the person signed in.
    created_at: String,
    /// When it was last used.
    last_used_at: String,
    /// When it ends at the latest.
    expires_at: String,
    /// When the person last proved themselves.
    auth_time: String,
    /// How sure it is.
    acr: &'static str,
    /// The ways that were gone.
    amr: Vec<String>,
    /// The remembered device that it was begun with.
    device_id: Option<String>,
    /// The network that it was begun from, masked.
    #[schema(example = "198.51.100.0/24")]
    network: Option<String>,
    /// When it was ended, if it was.
    ended_at: Option<String>,
    /// Why: `signed_out`, `admin`, `reuse`, and others.
    end_reason: Option<&'static str>,
}

/// A person's sessions that have not run out, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Sessions)]
pub(crate) struct SessionsBody {
    sessions: Vec<SessionBody>,
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionsEnded)]
pub(crate) struct EndedBody {
    ended: u32,
}

impl SessionBody {
    fn new(report: SessionReport, current: Option<SessionId>) -> Self {
        let session = report.session;
        Self {
            id: session.id.to_string(),
            live: report.is_live,
            current: current == Some(session.id),
            emergency: session.kind == SessionKind::Emergency,
            created_at: session.created_at.to_rfc3339(),
            last_used_at: session.last_used_at.to_rfc3339(),
            expires_at: session.expires_at.to_rfc3339(),
            auth_time: session.auth_time.to_rfc3339(),
            acr: session.acr.as_str(),
            amr: session.amr,
            device_id: session.device,
            network: session.network,
            ended_at: session.ended.map(|ended| ended.at.to_rfc3339()),
            end_reason: session.ended.map(|ended| ended.why.as_str()),
        }
    }
}

/// List a user's sessions.
#[utoipa::path(get, path = "/v1/users/{id}/sessions", operation_id = "list_sessions", tag = "users",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "Their sessions, oldest first", body = SessionsBody), Refusals))]
pub(crate) async fn list(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Answer<SessionsBody> {
    let current = manager.session().map(|(_, session)| session);
    let sessions = entrance.doors.engine.sessions(&manager, user).await?;
    let sessions = sessions.into_iter().map(|session| SessionBody::new(session, current)).collect();
    Ok(axum::Json(SessionsBody { sessions }))
}

/// End all of a user's sessions.
#[utoipa::path(delete, path = "/v1/users/{id}/sessions", operation_id = "end_sessions", tag = "users",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "They are over", body = EndedBody), Refusals))]
pub(crate) async fn end_all(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Answer<EndedBody> {
    let ended = entrance.doors.engine.end_sessions(&manager, user, None).await?;
    Ok(axum::Json(EndedBody { ended }))
}

/// End one of a user's sessions.
#[utoipa::path(delete, path = "/v1/users/{id}/sessions/{session}", operation_id = "end_session", tag = "users",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token"),
        ("session" = String, Path, description = "The session")),
    responses((status = 200, description = "It is over", body = EndedBody), Refusals))]
pub(crate) async fn end(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    SessionPart(session): SessionPart,
) -> Answer<EndedBody> {
    let ended = entrance.doors.engine.end_sessions(&manager, user, Some(session)).await?;
    Ok(axum::Json(EndedBody { ended }))
}

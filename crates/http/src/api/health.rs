//! Whether the process lives, and whether it can work: for whoever restarts it, and for whoever sends it traffic.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Entrance,
    error::{Code, Problem},
};

/// One word.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// `ok`, or `ready`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process lives. It says nothing about what it depends on: a restart would mend none of that.
#[utoipa::path(get, path = "/healthz", tag = "operations", security(()),
    responses((status = 200, description = "It lives", body = HealthBody)))]
pub(crate) async fn healthz() -> axum::Json<HealthBody> {
    axum::Json(HealthBody { status: "ok" })
}

/// Whether the service can work now: its store answers and it is not shutting down.
#[utoipa::path(get, path = "/readyz", tag = "operations", security(()),
    responses((status = 200, description = "It can work", body = HealthBody),
        (status = 503, description = "Send it nothing now", body = crate::error::ProblemBody,
            content_type = "application/problem+json")))]
pub(crate) async fn readyz(State(entrance): State<Arc<Entrance>>) -> Result<axum::Json<HealthBody>, Problem> {
    if (entrance.doors.ready)() {
        Ok(axum::Json(HealthBody { status: "ready" }))
    } else {
        Err(Problem::new(Code::Unavailable, "the service is not ready"))
    }
}

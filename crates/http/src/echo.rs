//! A bare echo, in bench builds only: what this process can answer at all, for the speed of real calls to be held
//! against. It passes the same accept loop and the same task per request, and nothing of the service: no key, no
//! policy, no store, no envelope. Nothing is kept, so a crash loses nothing.

use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};

/// The path.
pub(crate) const PATH: &str = "/bench/echo";

/// A body as small as a start's.
#[derive(Debug, Deserialize, Serialize)]
struct Echo {
    to: String,
    purpose: String,
}

/// The one path.
pub(crate) fn router() -> Router {
    Router::new().route(PATH, post(echo))
}

async fn echo(Json(body): Json<Echo>) -> Json<Echo> {
    Json(body)
}

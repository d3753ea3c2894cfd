//! Calls of people who get in, or do not, answer after the same time.
//!
//! Somebody unknown takes the steps of somebody known, but not to the microsecond: a vendor is called beside the answer, a row is
//! longer. So no such call answers sooner than [`ANSWER_AFTER`] and a bit more by chance, which is wider than what would still show. The
//! wait begins when the request is whole: whoever sends it slowly does not shorten it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::future;

use crate::{Entrance, extract::collect};

/// More than such a call takes on a machine that is not overloaded, a commit to a slow disk included, and less than a person notices.
const ANSWER_AFTER: Duration = Duration::from_millis(50);

pub(crate) async fn wrap(State(entrance): State<Arc<Entrance>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let raw = match collect(body).await {
        Ok(raw) => raw,
        Err(problem) => return problem.into_response(),
    };
    answer(&entrance, next.run(Request::from_parts(parts, Body::from(raw)))).await
}

/// Waits for `work`, and no shorter than such a call takes.
pub(crate) async fn answer<T>(entrance: &Entrance, work: impl Future<Output = T>) -> T {
    // Asked first, so that it begins before anything is done.
    let waited = entrance.doors.engine.pause_about(ANSWER_AFTER);
    future::join(waited, work).await.1
}

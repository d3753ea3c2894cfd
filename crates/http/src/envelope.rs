//! What every answer has, whoever made it: a request id, a body that says what went wrong, security headers.
//!
//! Whatever happens inside, somebody hears something: a handler that takes too long is given up, one that panics is
//! caught, and both are told as problems. What a handler had committed by then stays committed.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use backstop_domain::id::NodeId;
use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::{
    Entrance, cors,
    error::{Code, Problem},
    extract::BODY_LIMIT,
    guard,
};

/// How long a request may take unless the server says otherwise.
const REQUEST: Duration = Duration::from_secs(15);
/// How many header fields a request may have.
const HEADERS: usize = 64;

/// How long this request may take. The server puts it into every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(pub(crate) Duration);

/// Makes request ids: a hash over this run of the program and a counter, so that nobody reads our traffic from them
/// and a replayed run makes the same.
#[derive(Debug)]
pub(crate) struct RequestIds {
    node: NodeId,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(node: NodeId) -> Self {
        Self { node, next: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::new()
            .chain_update(b"request")
            .chain_update(self.node.as_bytes())
            .chain_update(number.to_be_bytes())
            .finalize();
        format!("req_{}", hex::encode(&digest[..12]))
    }
}

/// Wraps every request.
pub(crate) async fn wrap(State(entrance): State<Arc<Entrance>>, request: Request, next: Next) -> Response {
    let id = entrance.request_ids.next();
    let deadline = request.extensions().get::<Deadline>().map_or(REQUEST, |deadline| deadline.0);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = if request.headers().len() > HEADERS {
        Problem::new(Code::TooManyHeaders, format!("a request has {HEADERS} header fields at the most"))
            .into_response()
    } else {
        let answer = AssertUnwindSafe(within(&entrance, request, next)).catch_unwind();
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => Problem::internal(words_of(&*panic)).into_response(),
            Err(_) => Problem::new(Code::RequestTimeout, "the request was given up").into_response(),
        }
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.write(response, &id, entrance.doors.engine.now());
    }
    headers(response.headers_mut(), &id);
    tracing::debug!(
        request.id = id,
        http.method = %method,
        http.route = route.as_ref().map_or("none", MatchedPath::as_str),
        http.status = response.status().as_u16(),
        "answered"
    );
    response
}

/// What stands before every handler: the development guard, the cap on bodies, CORS. One layer for all of them, since
/// the router copies all that lies below a layer for every request.
async fn within(entrance: &Entrance, request: Request, next: Next) -> Response {
    match guard::development(entrance, request) {
        Ok(mut request) => {
            DefaultBodyLimit::max(BODY_LIMIT).apply(&mut request);
            cors::answer(entrance, request, next).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// A panic's words are ours: they hold no request.
fn words_of(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().unwrap_or("a handler panicked")
}

/// Pages have set their own; what they set stays.
fn headers(headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", id);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// For paths that are nowhere.
pub(crate) async fn no_such_path() -> Problem {
    Problem::new(Code::NotFound, "this service has no such path")
}

/// For methods that a path does not know; `Allow` says which it does.
pub(crate) async fn no_such_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, "the Allow header names the methods of this path")
}

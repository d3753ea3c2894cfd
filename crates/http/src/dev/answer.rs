//! Answers of the development calls that are not pages. Refusals are problems, as everywhere.

use axum::{
    Json,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::page;

/// JSON that no cache keeps: it holds codes.
pub(crate) fn json(value: impl Serialize) -> Response {
    guarded(Json(value).into_response())
}

/// Done, with nothing to say.
pub(crate) fn done() -> Response {
    guarded(StatusCode::NO_CONTENT.into_response())
}

/// Done; a browser goes back to the inbox.
pub(crate) fn to_inbox() -> Response {
    guarded(Redirect::to("/dev/inbox").into_response())
}

/// Whether the caller asked for JSON, as the module does.
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}

/// Whether the body is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page::guard(headers);
    response
}

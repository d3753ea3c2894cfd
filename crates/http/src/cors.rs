//! CORS: closed, except for the pages that an application lists.
//!
//! A preflight carries no key, so an origin that any application lists may ask; the call itself is then held against
//! the origins of its key's own application. Development needs nothing more: its pages are of our own origin.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, header};

use crate::{
    Doors, Entrance, Profile,
    error::{Code, Problem},
    surface,
};

/// Whose pages may read answers.
#[derive(Debug, Default)]
pub(crate) struct Cors {
    api: BTreeSet<String>,
    surfaces: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Cors {
    pub(crate) fn new(doors: &Doors) -> Self {
        let api = doors.engine.applications().flat_map(|application| application.origins.clone()).collect();
        let surfaces = if doors.profile == Profile::Development {
            BTreeMap::new()
        } else {
            surface::paths(&doors.compat)
                .filter_map(|(path, name)| {
                    doors.engine.application(name).map(|application| (path, application))
                })
                .map(|(path, application)| (path, application.origins.iter().cloned().collect()))
                .collect()
        };
        Self { api, surfaces }
    }

    fn admits(&self, path: &str, origin: &str) -> bool {
        let origins = if path.starts_with("/v1/") { Some(&self.api) } else { self.surfaces.get(path) };
        origins.is_some_and(|origins| origins.contains(origin))
    }
}

/// Answers preflights, and lets listed pages read what they asked for.
pub(crate) async fn answer(entrance: &Entrance, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else { return next.run(request).await };
    let path = request.uri().path();
    let admitted = origin.to_str().is_ok_and(|origin| entrance.cors.admits(path, origin));
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (preflight, admitted) {
        (false, _) => next.run(request).await,
        (true, true) => granted(),
        (true, false) => {
            Problem::new(Code::OriginNotAllowed, "no application lists this Origin for this path")
                .into_response()
        }
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if admitted {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("retry-after, ratelimit, x-request-id");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

fn granted() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

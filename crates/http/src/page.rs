//! Pages and their assets: every one is rendered here, from embedded templates, and nothing loads from elsewhere.
//!
//! The guarantee: what a person typed can be text on a page and never markup (templates escape by themselves), and a
//! browser runs no script and applies no style that is not a file of ours (the content-security policy knows no
//! `unsafe-inline`). Pages are never kept by a cache; assets are kept and asked for again by their `ETag`.
//! A template that fails answers 500 with a sentence; the cause goes to the log.

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::reference::prose;

const POLICY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

const TEMPLATES: [(&str, &str); 11] = [
    ("admin/join.html", include_str!("../templates/admin/join.html")),
    ("layout.html", include_str!("../templates/layout.html")),
    ("lamp.html", include_str!("../templates/lamp.html")),
    ("landing.html", include_str!("../templates/landing.html")),
    ("production.html", include_str!("../templates/production.html")),
    ("reference.html", include_str!("../templates/reference.html")),
    ("backup_codes.html", include_str!("../templates/backup_codes.html")),
    ("dev/inbox.html", include_str!("../templates/dev/inbox.html")),
    ("dev/messages.html", include_str!("../templates/dev/messages.html")),
    ("dev/summary.html", include_str!("../templates/dev/summary.html")),
    ("dev/switches.html", include_str!("../templates/dev/switches.html")),
];

/// The style of sheets, which stands inside of them: a sheet is saved and printed, and asks for nothing.
const SHEET_STYLE: &str = include_str!("../assets/sheet.css");

/// A sheet applies the one style that is in it, and does nothing else.
static SHEET_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = BASE64_STANDARD.encode(Sha256::digest(SHEET_STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// An embedded file that pages load.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const ASSETS: [Asset; 4] = [
    Asset {
        name: "backstop.css",
        content_type: "text/css; charset=utf-8",
        content: include_str!("../assets/backstop.css"),
    },
    Asset {
        name: "inbox.js",
        content_type: "text/javascript; charset=utf-8",
        content: include_str!("../assets/inbox.js"),
    },
    Asset {
        name: "copy.js",
        content_type: "text/javascript; charset=utf-8",
        content: include_str!("../assets/copy.js"),
    },
    Asset {
        name: "favicon.svg",
        content_type: "image/svg+xml",
        content: include_str!("../assets/favicon.svg"),
    },
];

#[expect(clippy::expect_used, reason = "the templates are part of the program; a test renders every one")]
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_filter("prose", prose::inline);
    environment.add_filter("paragraphs", prose::paragraphs);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source).expect("an embedded template parses");
    }
    environment
});

static ETAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    ASSETS
        .iter()
        .map(|asset| {
            let digest = Sha256::digest(asset.content.as_bytes());
            let mut tag = String::from("\"");
            for byte in &digest[..12] {
                // Writing to a string cannot fail.
                let _ = write!(tag, "{byte:02x}");
            }
            tag + "\""
        })
        .collect()
});

/// A template could not be filled in. A mistake of ours.
#[derive(Debug, thiserror::Error)]
#[error("template {name}: {source}")]
pub(crate) struct RenderError {
    name: &'static str,
    source: minijinja::Error,
}

/// Fills in a template, a whole page or a part of one.
pub(crate) fn fill(name: &'static str, context: impl Serialize) -> Result<String, RenderError> {
    ENVIRONMENT
        .get_template(name)
        .and_then(|template| template.render(context))
        .map_err(|source| RenderError { name, source })
}

/// Answers with a page.
pub(crate) fn page(status: StatusCode, name: &'static str, context: impl Serialize) -> Response {
    match fill(name, context) {
        Ok(body) => html(status, body),
        Err(error) => {
            tracing::error!(error = %error, "page not rendered");
            html(
                StatusCode::INTERNAL_SERVER_ERROR,
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Backstop</title>\
                 <p>This page could not be made. The log says why."
                    .to_owned(),
            )
        }
    }
}

/// Answers with a page to print, whole in itself: no script, nothing from elsewhere.
pub(crate) fn sheet(name: &'static str, context: impl Serialize) -> Response {
    let mut response =
        page(StatusCode::OK, name, context! { style => SHEET_STYLE, ..Value::from_serialize(context) });
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, SHEET_POLICY.clone());
    response
}

/// Answers with finished HTML under the headers that every page has.
pub(crate) fn html(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    guard(headers);
    response
}

/// The headers that keep a browser from doing more with an answer than we meant.
pub(crate) fn guard(headers: &mut HeaderMap) {
    const GUARDS: [(HeaderName, &str); 5] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: a form would then be sent with `Origin: null`, and our own origin could not be told.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The style sheet, the modules and the mark, under `/assets/`.
pub fn assets() -> Router {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    let Some(at) = ASSETS.iter().position(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (asset, etag) = (&ASSETS[at], ETAGS[at].as_str());
    let known = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == etag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, asset.content_type)], asset.content).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    guard(headers);
    response
}

#[cfg(test)]
pub(crate) mod tests;

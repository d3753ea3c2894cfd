//! A JSON body, read strictly: whatever two parsers could read differently is refused.
//!
//! The content type is required, an encoding is refused (a small body could unpack to a large one), and not more than
//! [`BODY_LIMIT`] is ever read. An empty body is `{}`, for calls where every field is optional.

use std::{error::Error as _, sync::Arc};

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, Request},
};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::strict;
use crate::{
    Entrance,
    error::{Code, Problem},
};

/// The longest body.
pub(crate) const BODY_LIMIT: usize = 32 * 1024;

/// A body and its raw text, which an `Idempotency-Key` is bound to.
pub(crate) struct Json<T> {
    pub(crate) body: T,
    pub(crate) raw: Bytes,
}

impl<T: DeserializeOwned> FromRequest<Arc<Entrance>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Entrance>) -> Result<Self, Problem> {
        Self::read(request).await
    }
}

impl<T: DeserializeOwned> Json<T> {
    /// Reads a request's body.
    pub(crate) async fn read(request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if parts.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(Problem::new(Code::UnsupportedMediaType, "send the body without a Content-Encoding"));
        }
        let typed = parts.headers.contains_key(header::CONTENT_TYPE);
        if typed && !is_json(&parts.headers) {
            return Err(wrong_type());
        }
        let raw = collect(body).await?;
        if raw.is_empty() {
            return Ok(Self { body: strict::parse(b"{}")?, raw });
        }
        if !typed {
            return Err(wrong_type());
        }
        Ok(Self { body: strict::parse(&raw)?, raw })
    }
}

fn wrong_type() -> Problem {
    Problem::new(Code::UnsupportedMediaType, "send `Content-Type: application/json`")
}

/// `application/json`, at most with the one charset that JSON has.
fn is_json(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return false };
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            })
        })
}

pub(crate) async fn collect(body: Body) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("a body has {BODY_LIMIT} bytes at the most"));
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(too_large());
    }
    axum::body::to_bytes(body, BODY_LIMIT).await.map_err(|error| {
        if error.source().is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>()) {
            too_large()
        } else {
            Problem::new(Code::InvalidRequest, "the body did not arrive whole")
        }
    })
}

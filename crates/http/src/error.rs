//! The only place where a failure becomes a status.
//!
//! Handlers fail with a [`Problem`]; the envelope writes it out as an RFC 9457 document, or in the shape that a drop-in
//! surface's callers expect. What a caller reads is a fixed sentence: no input, no cause, no internals. A cause that
//! an operator needs is logged here, once. Nothing is kept, so a crash loses nothing.

mod code;
mod from_engine;
mod shape;

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use backstop_domain::{clock::Timestamp, limit::LimitExceeded};
use http::{HeaderValue, StatusCode, header};

pub use code::Code;
pub(crate) use from_engine::{no_such_part, no_user, no_verification, password_refused, wrong_form};
pub(crate) use shape::{ProblemBody, Shape};

/// A failure as a caller reads it.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    limit: Option<LimitExceeded>,
    until: Option<Timestamp>,
    shape: Shape,
}

impl Problem {
    /// A failure of this kind, with a sentence on what was wrong. The sentence never repeats what the caller sent.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), limit: None, until: None, shape: Shape::Problem }
    }

    /// The same failure, which is over at that moment.
    pub(crate) fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// A field that cannot be read.
    pub(crate) fn field(field: &str, problem: &str) -> Self {
        Self::new(Code::InvalidRequest, format!("`{field}` {problem}"))
    }

    /// Something of ours is broken. `cause` goes to the log and nowhere else.
    pub(crate) fn internal(cause: &str) -> Self {
        tracing::error!(error = cause, "a request failed through a mistake of ours");
        Self::new(Code::Internal, "this is our mistake; the request id finds it in our log")
    }

    /// The same failure, in the shape of a drop-in surface.
    pub(crate) fn in_shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// What kind of failure it is.
    #[cfg(test)]
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// Writes it into an answer, keeping the headers that are there. Only here, with the present moment known, is the
    /// wait told: whole seconds, rounded up, so that whoever waits them out passes.
    pub(crate) fn write(&self, response: Response, request_id: &str, now: Timestamp) -> Response {
        let wait = match (self.limit.map(|limit| limit.retry_at).or(self.until), self.code) {
            (Some(retry_at), _) => Some(u64::max(1, retry_at.since(now).as_millis().div_ceil(1000) as u64)),
            (None, Code::Unavailable) => Some(1),
            (None, _) => None,
        };
        let (status, content_type, body) = self.shape.render(self, request_id, wait);
        let (mut parts, _) = response.into_parts();
        parts.status = status;
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        parts.headers.remove(header::CONTENT_LENGTH);
        if let Some(seconds) = wait {
            parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let (Some(limit), Some(seconds)) = (&self.limit, wait)
            && let Ok(value) = HeaderValue::from_str(&format!("\"{}\";r=0;t={seconds}", limit.limit))
        {
            parts.headers.insert("ratelimit", value);
        }
        Response::from_parts(parts, body.into())
    }
}

impl IntoResponse for Problem {
    /// The answer without its body, which the envelope writes.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        if self.code.status() == StatusCode::UNAUTHORIZED && matches!(self.shape, Shape::Problem) {
            let schemes = HeaderValue::from_static(
                "Bearer realm=\"backstop\", Basic realm=\"backstop\", charset=\"UTF-8\"",
            );
            response.headers_mut().insert(header::WWW_AUTHENTICATE, schemes);
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests;

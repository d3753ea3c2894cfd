//! `Idempotency-Key`: lets a caller that heard no answer ask again without anything being done twice.
//!
//! A publishable key is shared by everybody who has the page, so there the header must be too long to be guessed:
//! else one visitor could fetch another's answer.

use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRequestParts;
use backstop_engine::IdempotencyKey;
use bytes::Bytes;
use http::{HeaderValue, request::Parts};

use crate::{
    Entrance,
    error::{Code, Problem},
};

const LONGEST: usize = 255;
/// 128 random bits in base64 without padding.
const SHORTEST_PUBLIC: usize = 22;

/// The header, not yet looked at: what is asked of it depends on the caller.
pub(crate) struct IdempotencyHeader {
    values: Vec<HeaderValue>,
    route: String,
}

impl FromRequestParts<Arc<Entrance>> for IdempotencyHeader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Entrance>) -> Result<Self, Infallible> {
        let values: Vec<_> = parts.headers.get_all("idempotency-key").iter().cloned().collect();
        let route =
            if values.is_empty() { String::new() } else { format!("{} {}", parts.method, parts.uri.path()) };
        Ok(Self { values, route })
    }
}

impl IdempotencyHeader {
    /// The key, bound to the call that it came with.
    pub(crate) fn bind(
        &self,
        caller: &backstop_engine::Caller,
        body: &Bytes,
    ) -> Result<Option<IdempotencyKey>, Problem> {
        let value = match self.values.as_slice() {
            [] => return Ok(None),
            [value] => value,
            _ => return Err(unusable("send one Idempotency-Key")),
        };
        let visible = |byte: &u8| (0x21..=0x7e).contains(byte);
        let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| visible(&byte)));
        let text =
            text.ok_or_else(|| unusable("the Idempotency-Key must be visible ASCII without spaces"))?;
        if !(1..=LONGEST).contains(&text.len()) {
            return Err(unusable("the Idempotency-Key must be 1 to 255 characters"));
        }
        if caller.authority.is_public() && text.len() < SHORTEST_PUBLIC {
            return Err(unusable(
                "with a publishable key the Idempotency-Key must hold 128 random bits: 22 characters",
            ));
        }
        Ok(Some(IdempotencyKey { key: text.to_owned(), route: self.route.clone(), body: body.to_vec() }))
    }
}

fn unusable(detail: &'static str) -> Problem {
    Problem::new(Code::InvalidIdempotencyKey, detail)
}

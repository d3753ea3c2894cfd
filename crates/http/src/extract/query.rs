//! The query of a URL, read strictly: unknown and repeated names are refused, and no value is repeated in the refusal.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::{
    Entrance,
    error::{Code, Problem},
};

/// The query.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Entrance>> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Entrance>) -> Result<Self, Problem> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(_) => Err(Problem::new(
                Code::InvalidRequest,
                "the query holds a name that is not known, a name twice, or a value of another type",
            )),
        }
    }
}

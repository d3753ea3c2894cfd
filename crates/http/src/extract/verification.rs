//! Which verification a path names. A text that is no id names nothing: that answers like an id of nobody's.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use backstop_domain::id::VerificationId;
use http::request::Parts;

use crate::{Entrance, error::Problem};

/// The verification of the path.
pub(crate) struct OfVerification(pub(crate) VerificationId);

impl FromRequestParts<Arc<Entrance>> for OfVerification {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, entrance).await.ok();
        id.and_then(|Path(text)| text.parse().ok()).map(Self).ok_or_else(crate::error::no_verification)
    }
}

//! Who calls to sign a person in. Either kind of key may; only a secret key says where the person is, since a page's own
//! address is seen here. A handler gets the caller only by saying what the body tells of the person, so none forgets it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::{Caller, Object};
use crate::{
    Entrance,
    api::verifications::ask::ClientBody,
    error::{Code, Problem},
};

/// Whoever called, before it is known for whom.
pub(crate) struct SignInCaller(backstop_engine::Caller);

impl FromRequestParts<Arc<Entrance>> for SignInCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        Caller::from_request_parts(parts, entrance).await.map(|Caller(caller)| Self(caller))
    }
}

impl SignInCaller {
    /// The caller, speaking for the person whom the body describes.
    pub(crate) fn speaking_for(
        mut self,
        client: Option<Object<ClientBody>>,
    ) -> Result<backstop_engine::Caller, Problem> {
        let Some(Object(client)) = client else { return Ok(self.0) };
        if self.0.authority.is_public() {
            return Err(Problem::new(Code::NeedsSecretKey, "`client` is the application's to say"));
        }
        self.0.network = client.address()?;
        Ok(self.0)
    }
}

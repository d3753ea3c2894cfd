//! Ways in: each call proves one way, and answers tokens or the second way that is asked for.
//!
//! A person without an account, a suspended one and a wrong proof hear the same. Either kind of key may call; a secret key says
//! in `client.ip` where the person is.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod codes;
pub(crate) mod device;
pub(crate) mod emergency;
pub(crate) mod passkey;
pub(crate) mod password;
pub(crate) mod sign_up;
pub(crate) mod ways;

use crate::error::Problem;
use answer::SignedInBody;

pub(crate) type Answer<T> = Result<axum::Json<T>, Problem>;

/// What the engine's word becomes.
fn signed_in(
    entrance: &crate::Entrance,
    signed_in: backstop_engine::sign_in::SignedIn,
) -> axum::Json<SignedInBody> {
    axum::Json(SignedInBody::new(signed_in, entrance.doors.engine.now()))
}

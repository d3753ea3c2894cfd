//! Who manages people: the application with its secret key, or a person for themselves with an access token.
//!
//! A person's token opens the paths of its own user and no others; `me` stands for that user. To everybody a user of
//! another application, another person and nobody are alike. Whether a person is fresh enough to change something is decided
//! by the act that changes it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use backstop_domain::{application::Authority, id::UserId};
use backstop_engine::{Credential, manage};
use http::request::Parts;

use super::{
    Caller,
    caller::{bearer, not_from_here, origin_of, unauthorized},
    person,
};
use crate::{
    Entrance,
    error::{Problem, no_user},
};

/// How every signed token of ours begins: with `{"` in base64url. No key does.
const TOKEN: &str = "eyJ";

/// The application, by its secret key.
pub(crate) struct Manager(pub(crate) manage::Manager);

/// A person, by their access token.
pub(crate) struct Person(pub(crate) manage::Manager);

/// The user of the path, for the application or for themselves.
pub(crate) struct OfUser {
    pub(crate) manager: manage::Manager,
    pub(crate) user: UserId,
}

/// The user of the path, for the application alone.
pub(crate) struct OfUserByKey {
    pub(crate) manager: manage::Manager,
    pub(crate) user: UserId,
}

impl FromRequestParts<Arc<Entrance>> for Manager {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        let Caller(caller) = Caller::from_request_parts(parts, entrance).await?;
        Ok(Self(manage::Manager::application(caller)?))
    }
}

impl FromRequestParts<Arc<Entrance>> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        let token =
            bearer(&parts.headers).filter(|token| token.starts_with(TOKEN)).ok_or_else(unauthorized)?;
        by_token(parts, entrance, &token).map(Self)
    }
}

impl FromRequestParts<Arc<Entrance>> for OfUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        let manager = match bearer(&parts.headers).filter(|token| token.starts_with(TOKEN)) {
            Some(token) => by_token(parts, entrance, &token)?,
            None => Manager::from_request_parts(parts, entrance).await?.0,
        };
        let params = RawPathParams::from_request_parts(parts, entrance).await.map_err(|_| no_user())?;
        let (_, text) = params.iter().find(|(name, _)| *name == "id").ok_or_else(no_user)?;
        let user = match (text, manager.session()) {
            ("me", Some((own, _))) => own,
            _ => text.parse().map_err(|_| no_user())?,
        };
        manager.sees(user)?;
        Ok(Self { manager, user })
    }
}

impl FromRequestParts<Arc<Entrance>> for OfUserByKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        let OfUser { manager, user } = OfUser::from_request_parts(parts, entrance).await?;
        if manager.is_person() {
            return Err(manage::Denied::NeedsSecretKey.into());
        }
        Ok(Self { manager, user })
    }
}

/// A person's calls run under the public share of budgets. A token that came from a page counts from the pages of its
/// application alone; without an `Origin` it comes from an app or a backend, which hold it by right.
fn by_token(parts: &Parts, entrance: &Entrance, token: &str) -> Result<manage::Manager, Problem> {
    let engine = &entrance.doors.engine;
    let (application, user, session) = engine.person_of(token).ok_or_else(unauthorized)?;
    let application = engine.application(&application).ok_or_else(unauthorized)?;
    let origin = origin_of(&parts.headers)?;
    if let Some(origin) = &origin
        && *origin != entrance.doors.public_url
        && !application.origins.contains(origin)
    {
        return Err(not_from_here("the application does not list this Origin"));
    }
    let caller = backstop_engine::Caller {
        application,
        authority: Authority::Public,
        credential: Credential::of(&format!("session:{session}")),
        network: Some(person(parts, &entrance.doors.trusted_proxies)?),
        origin,
        surface: None,
    };
    Ok(engine.manager(caller, user, session))
}

//! Who called: the key of a request becomes a caller of the engine.
//!
//! A key is looked up by its hash. A publishable key is in every page, so it only counts from the pages of its
//! application, and the person's address comes with it; a secret key's caller says the address itself, in `client.ip`.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use backstop_domain::application::{Application, Authority};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, header, request::Parts};

use super::person;
use crate::{
    Entrance, Profile,
    error::{Code, Problem},
    guard,
};

/// Whoever called.
pub(crate) struct Caller(pub(crate) backstop_engine::Caller);

impl FromRequestParts<Arc<Entrance>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        let presented = presented(&parts.headers).ok_or_else(unauthorized)?;
        let (credential, grant) =
            entrance.doors.engine.access().grant(&presented.key).ok_or_else(unauthorized)?;
        if presented.application.is_some_and(|name| name != grant.application.name) {
            return Err(unauthorized());
        }
        if entrance.doors.profile == Profile::Development && !grant.authority.is_public() {
            guard::same_origin(parts)?;
        }
        let origin = origin_of(&parts.headers)?;
        let network = match grant.authority {
            Authority::Secret => None,
            Authority::Public => {
                admit_origin(&grant.application, origin.as_deref())?;
                Some(person(parts, &entrance.doors.trusted_proxies)?)
            }
        };
        Ok(Self(backstop_engine::Caller {
            application: grant.application,
            authority: grant.authority,
            credential,
            network,
            origin,
            surface: None,
        }))
    }
}

struct Presented {
    application: Option<String>,
    key: String,
}

/// What came as `Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    presented(headers).filter(|presented| presented.application.is_none()).map(|presented| presented.key)
}

/// `Bearer KEY`, or `Basic` of `APPLICATION:KEY`. More than one `Authorization` is none.
fn presented(headers: &HeaderMap) -> Option<Presented> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Presented { application: None, key: rest.to_owned() });
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
    let (application, key) = pair.split_once(':')?;
    Some(Presented { application: Some(application.to_owned()), key: key.to_owned() })
}

/// The page that a call came from, if a browser says so. Two origins are no origin that could be believed.
pub(crate) fn origin_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all(header::ORIGIN).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(origin), None) => {
            let origin = origin.to_str().map_err(|_| not_from_here("the Origin cannot be read"))?;
            Ok(Some(origin.to_owned()))
        }
        (Some(_), Some(_)) => Err(not_from_here("there is more than one Origin")),
    }
}

fn admit_origin(application: &Application, origin: Option<&str>) -> Result<(), Problem> {
    match origin {
        None if application.native_apps => Ok(()),
        None => Err(not_from_here("a publishable key needs an Origin")),
        Some(origin) if application.origins.iter().any(|known| known == origin) => Ok(()),
        Some(_) => Err(not_from_here("the application does not list this Origin")),
    }
}

pub(super) fn not_from_here(detail: &'static str) -> Problem {
    Problem::new(Code::OriginNotAllowed, detail)
}

pub(super) fn unauthorized() -> Problem {
    Problem::new(
        Code::Unauthorized,
        "send a key: `Authorization: Bearer sk_…`, or Basic with application and key",
    )
}

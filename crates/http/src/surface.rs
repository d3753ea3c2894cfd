//! Drop-in surfaces: the endpoints that callers of older services already know, over the same engine calls.
//!
//! They carry no credential, so whoever calls is a public caller of the application that the surface is bound to, with
//! the public share of every budget and the pages of that application alone. They keep nothing of their own.

pub(crate) mod classic;
pub(crate) mod fleetflow;
pub(crate) mod smartfin;

use std::{marker::PhantomData, sync::Arc};

use axum::{extract::FromRequestParts, response::Response};
use backstop_domain::application::Authority;
use backstop_engine::{
    Credential,
    sign_in::{SignInError, Tokens},
    verify::StartError,
};
use http::{header, request::Parts};

use crate::{
    Compat, Entrance, Profile,
    error::{Code, Problem, Shape},
    extract::{origin_of, person},
    guard,
};

pub(crate) const SMARTFIN_SEND: &str = "/send-otp";
pub(crate) const SMARTFIN_VERIFY: &str = "/verify-otp";
pub(crate) const ASYNC_OTP_SEND: &str = "/api/auth/send-otp";
pub(crate) const ASYNC_OTP_VERIFY: &str = "/api/auth/verify-otp";

/// A drop-in surface.
pub(crate) trait Surface: Send + Sync + 'static {
    /// Tells its callers apart from those of keys.
    const NAME: &'static str;
    /// What its callers may ask a code for, whatever the application opens to publishable keys.
    const PURPOSES: &'static [&'static str];
    /// How its failures look.
    const SHAPE: Shape;
    /// The application that it is bound to, if it is on.
    fn application(compat: &Compat) -> Option<&str>;
}

/// `/send-otp`, `/verify-otp` and what SmartFin does with a code.
pub(crate) enum Smartfin {}

impl Surface for Smartfin {
    const NAME: &'static str = "smartfin";
    const PURPOSES: &'static [&'static str] = &["login", "registration", "password_reset", "transaction"];
    const SHAPE: Shape = Shape::Smartfin;
    fn application(compat: &Compat) -> Option<&str> {
        compat.smartfin.as_ref().map(|settings| settings.application.as_str())
    }
}

/// `/api/auth/send-otp` and `/api/auth/verify-otp`.
pub(crate) enum AsyncOtp {}

impl Surface for AsyncOtp {
    const NAME: &'static str = "async_otp";
    const PURPOSES: &'static [&'static str] = &["login", "registration", "password_reset"];
    const SHAPE: Shape = Shape::AsyncOtp;
    fn application(compat: &Compat) -> Option<&str> {
        compat.async_otp.as_deref()
    }
}

/// `/auth/...`.
pub(crate) enum Fleetflow {}

impl Surface for Fleetflow {
    const NAME: &'static str = "fleetflow";
    const PURPOSES: &'static [&'static str] = &["login"];
    const SHAPE: Shape = Shape::Fleetflow;
    fn application(compat: &Compat) -> Option<&str> {
        compat.fleetflow.as_ref().map(|settings| settings.application.as_str())
    }
}

/// The paths that are on, each with its application.
pub(crate) fn paths(compat: &Compat) -> impl Iterator<Item = (&'static str, &str)> {
    [
        (SMARTFIN_SEND, Smartfin::application(compat)),
        (SMARTFIN_VERIFY, Smartfin::application(compat)),
        (ASYNC_OTP_SEND, AsyncOtp::application(compat)),
        (ASYNC_OTP_VERIFY, AsyncOtp::application(compat)),
        (fleetflow::OTP_SEND, Fleetflow::application(compat)),
        (fleetflow::OTP_VERIFY, Fleetflow::application(compat)),
        (fleetflow::BACKUP_CODE, Fleetflow::application(compat)),
        (fleetflow::emergency::ADMIN, Fleetflow::application(compat)),
        (fleetflow::device::LOGIN, Fleetflow::application(compat)),
        (fleetflow::device::PIN, Fleetflow::application(compat)),
        (smartfin::REGISTER, Smartfin::application(compat)),
        (smartfin::FORGOT, Smartfin::application(compat)),
    ]
    .into_iter()
    .filter_map(|(path, application)| Some((path, application?)))
}

/// Gives every failure of a surface its shape.
pub(crate) async fn reshape<S: Surface>(mut response: Response) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response.headers_mut().remove(header::WWW_AUTHENTICATE);
        response.extensions_mut().insert(problem.in_shape(S::SHAPE));
    }
    response
}

/// Whoever called through a surface.
pub(crate) struct Visitor<S> {
    pub(crate) caller: backstop_engine::Caller,
    surface: PhantomData<S>,
}

impl<S: Surface> FromRequestParts<Arc<Entrance>> for Visitor<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, entrance: &Arc<Entrance>) -> Result<Self, Problem> {
        let doors = &entrance.doors;
        let application = S::application(&doors.compat)
            .and_then(|name| doors.engine.application(name))
            .ok_or_else(|| Problem::internal("a surface is bound to an application that is not there"))?;
        let origin = origin_of(&parts.headers)?;
        match (&origin, doors.profile) {
            (_, Profile::Development) => guard::same_origin(parts)?,
            (None, Profile::Production) => {}
            (Some(origin), Profile::Production) => {
                if *origin != doors.public_url && !application.origins.contains(origin) {
                    return Err(Problem::new(
                        Code::OriginNotAllowed,
                        "the application does not list this Origin",
                    ));
                }
            }
        }
        let network = Some(person(parts, &doors.trusted_proxies)?);
        let caller = backstop_engine::Caller {
            application,
            authority: Authority::Public,
            credential: Credential::of(&format!("surface:{}", S::NAME)),
            network,
            origin,
            surface: Some(S::PURPOSES),
        };
        Ok(Self { caller, surface: PhantomData })
    }
}

/// What the surfaces' callers hear of a way in that let nobody in: `sentence`, whoever it was and whatever was wrong.
pub(crate) fn refused(error: SignInError, sentence: &'static str) -> Problem {
    match error {
        SignInError::Refused | SignInError::MfaToken | SignInError::SameWay => {
            Problem::new(Code::Unauthorized, sentence)
        }
        SignInError::Locked { until: Some(until) } => {
            Problem::new(Code::RateLimited, "too many tries").until(until)
        }
        // For good: there is nothing to wait for.
        SignInError::Locked { until: None } => {
            Problem::new(Code::Unauthorized, "locked until it is set up anew")
        }
        SignInError::OutOfBounds { field, problem } => Problem::field(field, problem),
        SignInError::Limited(limit) => limit.into(),
        SignInError::OtherBody => StartError::OtherBody.into(),
        SignInError::InProgress => StartError::InProgress.into(),
        SignInError::Start(error) => error.into(),
        SignInError::Check(error) => error.into(),
        SignInError::Store(error) => error.into(),
    }
}

/// In how many seconds an access token ends. It ends with a whole one; the one that has begun counts.
pub(crate) fn expires_in(tokens: &Tokens) -> u64 {
    let millis = tokens.expires_at.since(tokens.session.last_used_at).as_millis();
    u64::try_from(millis.div_ceil(1000)).unwrap_or_default()
}

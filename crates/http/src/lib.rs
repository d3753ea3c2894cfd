//! The doors: JSON API, drop-in surfaces, pages.
//!
//! [`router`] is every path on one page. A handler parses, calls the engine once and answers; who called is a value
//! that it must ask for. Around all of them stands the envelope (request id, time-out, problem documents, security
//! headers), the development guard, and CORS. Nothing is kept between two requests, so a crash loses nothing here.

mod admin;
mod api;
mod cors;
pub mod dev;
#[cfg(feature = "bench")]
mod echo;
mod envelope;
mod error;
mod evenly;
mod extract;
mod guard;
pub mod landing;
mod openapi;
pub mod page;
mod receipts;
pub mod reference;
pub mod server;
mod surface;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    handler::Handler,
    middleware::{from_fn_with_state, map_response},
    routing::{MethodFilter, MethodRouter, on},
};
use backstop_engine::Engine;
use http::Method;
use ipnet::IpNet;

pub use dev::DevPages;
pub use error::{Code, Problem};
pub use extract::Peer;
pub use openapi::document as openapi_document;

use api::{factors, health, messaging, sign_in, tokens, users, verifications};
use surface::{AsyncOtp, Fleetflow, Smartfin, classic, fleetflow, reshape, smartfin};

/// For whom the service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The person at this machine, and nobody else.
    Development,
    /// Everybody.
    Production,
}

/// The drop-in surfaces that are on, each with the name of the application that it is bound to.
#[derive(Debug, Clone, Default)]
pub struct Compat {
    /// `/api/auth/send-otp` and `/api/auth/verify-otp`.
    pub async_otp: Option<String>,
    /// `/auth/...`.
    pub fleetflow: Option<FleetflowSurface>,
    /// `/send-otp`, `/verify-otp`, `/register-with-otp` and `/forgot-password-otp`.
    pub smartfin: Option<SmartfinSurface>,
}

/// How FleetFlow's callers are answered.
#[derive(Debug, Clone)]
pub struct FleetflowSurface {
    /// The application that it is bound to.
    pub application: String,
    /// When everybody hears that a code was sent, known or not.
    pub answer_after: Duration,
    /// Whom a person can call when no code can be sent.
    pub support_phone: Option<String>,
}

/// How SmartFin's callers are answered.
#[derive(Debug, Clone)]
pub struct SmartfinSurface {
    /// The application that it is bound to.
    pub application: String,
    /// Whether a code to sign in with changes a password too.
    pub loose_purpose: bool,
}

/// What the doors lead to.
#[derive(Clone)]
pub struct Doors {
    /// The service.
    pub engine: Arc<Engine>,
    /// For whom.
    pub profile: Profile,
    /// Where people reach it, such as `https://verify.acme.example`, without a slash at the end.
    pub public_url: String,
    /// Whose `X-Forwarded-For` counts; [`trusted_proxy`] reads one.
    pub trusted_proxies: Vec<IpNet>,
    /// The drop-in surfaces.
    pub compat: Compat,
    /// The development pages; never in production.
    pub dev: Option<DevPages>,
    /// Whether the service can work now.
    pub ready: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors")
            .field("profile", &self.profile)
            .field("compat", &self.compat)
            .finish_non_exhaustive()
    }
}

/// Reads a trusted proxy: a network such as `10.0.0.0/8`, or one address.
pub fn trusted_proxy(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// What every handler can reach.
pub(crate) struct Entrance {
    pub(crate) doors: Doors,
    pub(crate) request_ids: envelope::RequestIds,
    pub(crate) cors: cors::Cors,
}

impl Entrance {
    fn new(doors: Doors) -> Self {
        Self {
            request_ids: envelope::RequestIds::new(doors.engine.node()),
            cors: cors::Cors::new(&doors),
            doors,
        }
    }
}

type Handling = MethodRouter<Arc<Entrance>>;

/// One call.
pub(crate) struct Route {
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests that walk every call need it"))]
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    handler: Handling,
    /// Whether it tells nothing by how long it takes.
    is_even: bool,
    /// How its failures look to the callers of a drop-in surface.
    shape: Option<fn(Handling) -> Handling>,
}

fn get<H: Handler<T, Arc<Entrance>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route::new(Method::GET, path, on(MethodFilter::GET, handler))
}

fn post<H: Handler<T, Arc<Entrance>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route::new(Method::POST, path, on(MethodFilter::POST, handler))
}

fn put<H: Handler<T, Arc<Entrance>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route::new(Method::PUT, path, on(MethodFilter::PUT, handler))
}

fn patch<H: Handler<T, Arc<Entrance>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route::new(Method::PATCH, path, on(MethodFilter::PATCH, handler))
}

fn delete<H: Handler<T, Arc<Entrance>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route::new(Method::DELETE, path, on(MethodFilter::DELETE, handler))
}

/// Every call of the API. The pages bring their own paths.
pub(crate) fn routes(compat: &Compat) -> Vec<Route> {
    let mut routes = vec![
        post("/v1/verifications", verifications::start),
        get("/v1/verifications", verifications::list),
        post("/v1/verifications/check", verifications::check_recipient),
        get("/v1/verifications/{id}", verifications::read),
        post("/v1/verifications/{id}/check", verifications::check),
        post("/v1/verifications/{id}/resend", verifications::resend).evenly(),
        post("/v1/verifications/{id}/redeem", verifications::redeem),
        post("/v1/verifications/{id}/cancel", verifications::cancel),
        post("/v1/sign-in/otp", sign_in::codes::send).evenly(),
        post("/v1/sign-in/otp/verify", sign_in::codes::verify).evenly(),
        post("/v1/sign-in/totp", sign_in::codes::totp).evenly(),
        post("/v1/sign-in/backup-code", sign_in::codes::backup_code).evenly(),
        post("/v1/sign-in/ways", sign_in::ways::ways),
        post("/v1/sign-in/password", sign_in::password::sign_in).evenly(),
        post("/v1/sign-in/device/challenge", sign_in::device::challenge).evenly(),
        post("/v1/sign-in/device", sign_in::device::sign_in).evenly(),
        post("/v1/sign-in/pin", sign_in::device::pin).evenly(),
        post("/v1/sign-in/passkey/options", sign_in::passkey::options).evenly(),
        post("/v1/sign-in/passkey/verify", sign_in::passkey::verify).evenly(),
        post("/v1/sign-in/emergency", sign_in::emergency::sign_in),
        post("/v1/sign-in/step-up", sign_in::ways::step_up),
        post("/v1/sign-up", sign_in::sign_up::sign_up).evenly(),
        post("/v1/password/forgot", sign_in::password::forgot).evenly(),
        post("/v1/password/reset", sign_in::password::reset).evenly(),
        post("/v1/tokens/refresh", tokens::refresh),
        post("/v1/tokens/revoke", tokens::revoke),
        post("/v1/tokens/introspect", tokens::introspect),
        get("/.well-known/jwks.json", tokens::jwks),
        post("/v1/users", users::create),
        get("/v1/users", users::list),
        get("/v1/users/{id}", users::read),
        patch("/v1/users/{id}", users::change),
        delete("/v1/users/{id}", users::erase),
        get("/v1/users/{id}/export", users::export),
        post("/v1/users/{id}/sms-backup/start", users::sms_backup::start),
        post("/v1/users/{id}/sms-backup/check", users::sms_backup::check),
        post("/v1/users/{id}/factors/totp", factors::totp::enrol),
        delete("/v1/users/{id}/factors/totp", factors::totp::remove),
        post("/v1/users/{id}/factors/totp/confirm", factors::totp::confirm),
        post("/v1/users/{id}/factors/backup-codes", factors::backup_codes::generate),
        get("/v1/users/{id}/factors/backup-codes", factors::backup_codes::count),
        delete("/v1/users/{id}/factors/backup-codes", factors::backup_codes::revoke),
        get("/v1/users/{id}/factors/devices", factors::devices::list),
        delete("/v1/users/{id}/factors/devices/{device}", factors::devices::revoke),
        put("/v1/users/{id}/factors/devices/{device}/pin", factors::devices::set_pin),
        delete("/v1/users/{id}/factors/devices/{device}/pin", factors::devices::remove_pin),
        post("/v1/users/{id}/factors/devices/{device}/offline-grant", factors::devices::offline_grant),
        get("/v1/users/{id}/factors/passkeys", factors::passkeys::list),
        post("/v1/users/{id}/factors/passkeys", factors::passkeys::add),
        post("/v1/users/{id}/factors/passkeys/options", factors::passkeys::options),
        delete("/v1/users/{id}/factors/passkeys/{credential}", factors::passkeys::remove),
        put("/v1/users/{id}/factors/password", factors::password::set),
        delete("/v1/users/{id}/factors/password", factors::password::remove),
        get("/v1/users/{id}/sessions", users::sessions::list),
        delete("/v1/users/{id}/sessions", users::sessions::end_all),
        delete("/v1/users/{id}/sessions/{session}", users::sessions::end),
        get("/healthz", health::healthz),
        get("/readyz", health::readyz),
        get("/health/messaging", messaging::messaging),
        get("/status", messaging::status),
        get("/openapi.json", openapi::serve),
    ];
    if compat.smartfin.is_some() {
        routes.push(post(surface::SMARTFIN_SEND, classic::smartfin_send).evenly().shaped::<Smartfin>());
        routes.push(post(surface::SMARTFIN_VERIFY, classic::smartfin_verify).evenly().shaped::<Smartfin>());
        routes.push(post(smartfin::REGISTER, smartfin::register).evenly().shaped::<Smartfin>());
        routes.push(post(smartfin::FORGOT, smartfin::forgot).evenly().shaped::<Smartfin>());
    }
    if compat.fleetflow.is_some() {
        routes.push(post(fleetflow::OTP_SEND, fleetflow::send).shaped::<Fleetflow>());
        routes.push(post(fleetflow::OTP_VERIFY, fleetflow::verify).evenly().shaped::<Fleetflow>());
        routes.push(post(fleetflow::BACKUP_CODE, fleetflow::backup_code).evenly().shaped::<Fleetflow>());
        routes.push(post(fleetflow::emergency::ADMIN, fleetflow::emergency::admin).shaped::<Fleetflow>());
        routes.push(post(fleetflow::device::LOGIN, fleetflow::device::login).evenly().shaped::<Fleetflow>());
        routes.push(post(fleetflow::device::PIN, fleetflow::device::pin).evenly().shaped::<Fleetflow>());
    }
    if compat.async_otp.is_some() {
        routes.push(post(surface::ASYNC_OTP_SEND, classic::async_otp_send).shaped::<AsyncOtp>());
        routes.push(post(surface::ASYNC_OTP_VERIFY, classic::async_otp_verify).shaped::<AsyncOtp>());
    }
    routes
}

impl Route {
    const fn new(method: Method, path: &'static str, handler: Handling) -> Self {
        Self { method, path, handler, is_even: false, shape: None }
    }

    /// How long this call takes says nothing about anybody.
    fn evenly(self) -> Self {
        Self { is_even: true, ..self }
    }

    /// Failures of this call look as the callers of a drop-in surface expect.
    fn shaped<S: surface::Surface>(mut self) -> Self {
        self.shape = Some(|handler| handler.layer(map_response(reshape::<S>)));
        self
    }

    /// The handler, with what surrounds it: the shape last, so that it is that of every failure.
    fn dressed(self, entrance: &Arc<Entrance>) -> Handling {
        let handler = if self.is_even {
            self.handler.layer(from_fn_with_state(entrance.clone(), evenly::wrap))
        } else {
            self.handler
        };
        match self.shape {
            Some(shape) => shape(handler),
            None => handler,
        }
    }
}

/// Every path on one page.
pub fn router(doors: Doors) -> Router {
    let entrance = Arc::new(Entrance::new(doors.clone()));
    let api = routes(&doors.compat)
        .into_iter()
        .fold(Router::new(), |router, route| router.route(route.path, route.dressed(&entrance)))
        .with_state(entrance.clone());
    let dev = doors.dev.filter(|_| doors.profile == Profile::Development);
    let desk = dev.as_ref().map(|pages| pages.desk.clone());
    api.merge(landing::router(desk))
        .merge(dev.map_or_else(Router::new, dev::router))
        .merge(admin::join::router(doors.engine.clone()))
        .merge(page::assets())
        .merge(receipts::router(entrance.clone()))
        .merge(reference::router(openapi::value()))
        .fallback(envelope::no_such_path)
        .method_not_allowed_fallback(envelope::no_such_method)
        .layer(from_fn_with_state(entrance, envelope::wrap))
        .merge(beside())
}

/// What a bench build answers beside the service.
#[cfg(feature = "bench")]
fn beside() -> Router {
    echo::router()
}

#[cfg(not(feature = "bench"))]
fn beside() -> Router {
    Router::new()
}

#[cfg(test)]
mod tests;

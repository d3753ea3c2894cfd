//! Builds `openapi.json` from the handlers and their types: what is described is what is compiled. The committed file at
//! the root is held against it by a test.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        ContentBuilder, Ref, RefOr, ResponseBuilder,
        response::Response as DescribedResponse,
        security::{Http, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    api::{factors, health, messaging, sign_in, tokens, users, verifications},
    error::{Code, ProblemBody},
    surface::{classic, fleetflow, smartfin},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Backstop",
        description = "Gets a one-time code to a person over whichever channel and provider still works, and checks it.\n\nFailures are problem documents (RFC 9457) with a stable `code`; `x-errors` lists them all.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "verifications", description = "Start, check, read, resend, redeem, cancel and list"),
        (name = "sign-in", description = "The ways in. A person who needs two gets an `mfa_token` after the first"),
        (name = "tokens", description = "Going on with a session"),
        (name = "users", description = "The people of an application, what they hold, and their sessions"),
        (name = "factors", description = "Enrolling and removing what a user holds; by the application, or by the person after a fresh sign-in"),
        (name = "drop-in", description = "Calls that older services' callers know; on where the configuration says so, and without a credential"),
        (name = "operations", description = "For whoever runs the service")
    ),
    paths(
        verifications::start, verifications::list, verifications::check_recipient, verifications::read,
        verifications::check, verifications::resend, verifications::redeem, verifications::cancel,
        sign_in::codes::send, sign_in::codes::verify, sign_in::codes::totp, sign_in::codes::backup_code,
        sign_in::ways::ways, sign_in::ways::step_up, sign_in::password::sign_in, sign_in::password::forgot,
        sign_in::password::reset, sign_in::sign_up::sign_up, sign_in::device::challenge, sign_in::device::sign_in,
        sign_in::device::pin, sign_in::passkey::options, sign_in::passkey::verify, sign_in::emergency::sign_in, tokens::refresh, tokens::revoke, tokens::introspect, tokens::jwks,
        users::create, users::list, users::read, users::change, users::erase, users::export,
        users::sms_backup::start, users::sms_backup::check,
        factors::totp::enrol, factors::totp::confirm, factors::totp::remove,
        factors::backup_codes::generate, factors::backup_codes::count, factors::backup_codes::revoke,
        factors::devices::list, factors::devices::revoke, factors::devices::set_pin, factors::devices::remove_pin,
        factors::devices::offline_grant, factors::passkeys::list, factors::passkeys::options, factors::passkeys::add,
        factors::passkeys::remove, factors::password::set, factors::password::remove,
        users::sessions::list, users::sessions::end_all, users::sessions::end,
        health::healthz, health::readyz, messaging::messaging, messaging::status,
        classic::smartfin_send, classic::smartfin_verify, classic::async_otp_send, classic::async_otp_verify,
        fleetflow::send, fleetflow::verify, fleetflow::backup_code, fleetflow::emergency::admin,
        fleetflow::device::login, fleetflow::device::pin, smartfin::register, smartfin::forgot
    ),
    components(schemas(ProblemBody)),
    security(("key" = []), ("application_and_key" = [])),
    modifiers(&Finish)
)]
struct Document;

/// What the derives cannot say.
struct Finish;

impl Modify for Finish {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A secret key (`sk_…`), or from a listed page a publishable key (`pk_…`)"))
            .build();
        let mut basic = Http::new(HttpAuthScheme::Basic);
        basic.description = Some("The application's name and its key".to_owned());
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
        let person = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A person's own access token, for their own paths"))
            .build();
        components.add_security_scheme("access_token", SecurityScheme::Http(person));
        components.add_security_scheme("application_and_key", SecurityScheme::Http(basic));
    }
}

/// The failures that any call with a credential can meet.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<DescribedResponse>> {
        let statuses = [
            (400, "Something in the request cannot be read"),
            (401, "No valid key"),
            (403, "The key may not do this, or not from here"),
            (404, "This application has no such thing"),
            (409, "Not in its present state, or the Idempotency-Key is in use"),
            (415, "The body is not plain application/json"),
            (422, "Understood, and refused"),
            (429, "A limit is used up: `limit` names it, `Retry-After` says when to come back"),
            (503, "Nothing was done; try again"),
        ];
        statuses
            .map(|(status, description)| (status.to_string(), description))
            .into_iter()
            .chain([("default".to_owned(), "Any other failure is a problem document too")])
            .map(|(status, description)| {
                let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
                let response = ResponseBuilder::new()
                    .description(description)
                    .content("application/problem+json", problem)
                    .build();
                (status, RefOr::T(response))
            })
            .collect()
    }
}

static VALUE: LazyLock<serde_json::Value> = LazyLock::new(|| {
    let mut value = serde_json::to_value(Document::openapi()).unwrap_or_default();
    let errors = Code::ALL.map(|code| {
        serde_json::json!({ "code": code.as_str(), "status": code.status().as_u16(), "title": code.title() })
    });
    if let Some(document) = value.as_object_mut() {
        document.insert("x-errors".to_owned(), errors.to_vec().into());
    }
    value
});

static TEXT: LazyLock<String> = LazyLock::new(document);

/// The document as a value.
pub(crate) fn value() -> &'static serde_json::Value {
    &VALUE
}

/// The document as it stands in the file.
pub fn document() -> String {
    let mut text = serde_json::to_string_pretty(value()).unwrap_or_default();
    text.push('\n');
    text
}

/// Answers `/openapi.json`.
pub(crate) async fn serve() -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], TEXT.as_str()).into_response()
}

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
    api::{health, messaging, verifications},
    error::{Code, ProblemBody},
    surface::classic,
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
        (name = "drop-in", description = "Calls that older services' callers know; on where the configuration says so, and without a credential"),
        (name = "operations", description = "For whoever runs the service")
    ),
    paths(
        verifications::start, verifications::list, verifications::check_recipient, verifications::read,
        verifications::check, verifications::resend, verifications::redeem, verifications::cancel,
        health::healthz, health::readyz, messaging::messaging, messaging::status,
        classic::smartfin_send, classic::smartfin_verify, classic::async_otp_send, classic::async_otp_verify
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
            (404, "This application has no such verification"),
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

//! The doors that vendors come through: receipts, and the scripts of calls.
//!
//! Their own forms and signatures, so none of the API's rules on bodies and credentials: the bytes go to the vendor's adapter as
//! they came, with the address as the vendor was told it. A refusal says as little as it can; the log says why.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, OriginalUri, Path, State, rejection::BytesRejection},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use backstop_domain::ports::provider::{Callback, CallbackRefused, Reply};
use backstop_engine::deliver::{ReceiveError, SpeakError};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{
    Entrance,
    error::{Code, Problem},
};

/// The longest callback: a batch of SendGrid's events has up to 768 KB
/// (<https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event>).
const BODY_MAX: usize = 1024 * 1024;

/// The paths of vendors' callbacks.
pub(crate) fn router(entrance: Arc<Entrance>) -> Router {
    let hear = || MethodRouter::new().get(receive).post(receive);
    Router::new()
        .route("/receipts/{provider}", hear())
        .route("/receipts/{provider}/{secret}", hear())
        .route("/voice/{token}", MethodRouter::new().get(speak).post(speak))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(entrance)
}

/// A vendor says what became of messages, or what a person wrote back.
async fn receive(
    State(entrance): State<Arc<Entrance>>,
    Path(path): Path<ReceiptsPath>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let callback = callback(&entrance, &method, &uri, &headers, &whole(body)?);
    let heard = entrance.doors.engine.receive(&path.provider, path.secret.as_deref(), &callback).await;
    heard.map(answer).map_err(|error| match error {
        ReceiveError::NoSuchAddress => nothing_there(),
        ReceiveError::Refused(refused) => refusal(&refused),
        ReceiveError::Store(error) => error.into(),
    })
}

#[derive(serde::Deserialize)]
struct ReceiptsPath {
    provider: String,
    secret: Option<String>,
}

/// A vendor's call asks what to say.
async fn speak(
    State(entrance): State<Arc<Entrance>>,
    Path(token): Path<String>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let callback = callback(&entrance, &method, &uri, &headers, &whole(body)?);
    entrance.doors.engine.speak(&token, &callback).await.map(answer).map_err(|error| match error {
        SpeakError::NoSuchCall => nothing_there(),
        SpeakError::Refused(refused) => refusal(&refused),
        SpeakError::Store(error) => error.into(),
    })
}

fn callback(
    entrance: &Entrance,
    method: &Method,
    uri: &http::Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Callback {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let headers = headers.iter().filter_map(|(name, value)| {
        // What is no text cannot be a signature; the others are kept in order.
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    Callback {
        method: method.as_str().to_owned(),
        url: format!("{}{path}", entrance.doors.public_url),
        headers: headers.collect(),
        body: body.to_vec(),
    }
}

/// A body that arrived, and was not too long.
fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Code::BodyTooLarge, format!("a callback has {BODY_MAX} bytes at the most"))
        }
        _ => Problem::new(Code::InvalidRequest, "the body did not arrive"),
    })
}

fn answer(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let content_type = HeaderValue::from_static(reply.content_type);
    (status, [(header::CONTENT_TYPE, content_type)], reply.body).into_response()
}

fn nothing_there() -> Problem {
    Problem::new(Code::NotFound, "there is nothing at this path")
}

fn refusal(refused: &CallbackRefused) -> Problem {
    match refused {
        CallbackRefused::Forged(_) => {
            Problem::new(Code::CallbackRefused, "this is not from the provider's vendor")
        }
        CallbackRefused::Unreadable(_) => Problem::new(Code::InvalidRequest, "the callback cannot be read"),
        CallbackRefused::NotNow(_) => Problem::new(Code::Unavailable, "nothing was done; try again"),
    }
}

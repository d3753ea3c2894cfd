//! The acts of the development inbox: break a provider, forget the messages, start a verification.
//!
//! Each takes a form and goes back to the page, or takes JSON and answers it, so that a person and a script use the
//! same calls. Nothing of a refused request is repeated in the refusal, but the form keeps what was typed.

use axum::{
    extract::{Form, FromRequest, Json, Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{DevPages, answer, show, switches};
use crate::error::{Code, Problem};

/// The body of a request, a form or JSON by its content type.
async fn body<T: DeserializeOwned>(headers: &HeaderMap, request: Request) -> Result<T, Problem> {
    let read = if answer::is_json(headers) {
        Json::<T>::from_request(request, &()).await.map(|Json(body)| body).ok()
    } else {
        Form::<T>::from_request(request, &()).await.map(|Form(body)| body).ok()
    };
    read.ok_or_else(|| {
        Problem::new(Code::InvalidRequest, "the body is a form or JSON with the fields of this call")
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutageBody {
    provider: String,
    #[serde(alias = "mode")]
    outage: String,
}

#[derive(Serialize)]
struct Switched {
    provider: String,
    outage: &'static str,
}

/// Makes a pretend provider behave in one of the six ways.
pub(crate) async fn outage(State(pages): State<DevPages>, headers: HeaderMap, request: Request) -> Response {
    let wanted: OutageBody = match body(&headers, request).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let Some(outage) = switches::parse(&wanted.outage) else {
        return Problem::field("outage", &format!("is one of {}", switches::words())).into_response();
    };
    if !pages.inbox.switch(&wanted.provider, outage) {
        let detail = "there is no pretend provider of that name; /dev/outages.json lists them";
        return Problem::new(Code::NotFound, detail).into_response();
    }
    if answer::is_json(&headers) || answer::wants_json(&headers) {
        answer::json(Switched { provider: wanted.provider, outage: switches::word(outage) })
    } else {
        answer::to_inbox()
    }
}

/// Forgets every message. What was started goes on.
pub(crate) async fn clear(State(pages): State<DevPages>, headers: HeaderMap) -> Response {
    pages.inbox.clear();
    if answer::wants_json(&headers) { answer::done() } else { answer::to_inbox() }
}

/// What the form of the page asks for.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendBody {
    pub(crate) to: String,
    #[serde(default)]
    pub(crate) channel: String,
}

/// Starts a verification for the number or address in the form.
pub(crate) async fn send(State(pages): State<DevPages>, headers: HeaderMap, request: Request) -> Response {
    let wanted: SendBody = match body(&headers, request).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let channel = Some(wanted.channel.trim()).filter(|channel| !channel.is_empty());
    let started = pages.desk.start(wanted.to.trim(), channel).await;
    let quiet = answer::is_json(&headers) || answer::wants_json(&headers);
    match started {
        Ok(()) if quiet => answer::done(),
        Ok(()) => answer::to_inbox(),
        Err(sentence) if quiet => Problem::new(Code::InvalidRequest, sentence).into_response(),
        Err(sentence) => {
            show::page(&pages, StatusCode::UNPROCESSABLE_ENTITY, None, &wanted, Some(&sentence)).await
        }
    }
}

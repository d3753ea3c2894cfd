//! `/admin/join`: whoever opens the link of an invitation names themselves, scans a seed, and types its first code.
//!
//! Rendered here, without a script. The token of the link is the secret that no other page knows, so a form that another site
//! posts has none; it stands in no answer but this page's own fields, which no cache keeps. A link that is not good any more
//! shows the same page as one that never was.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Form, Query, State, rejection::QueryRejection},
    response::Response,
    routing::get,
};
use backstop_domain::{
    code::SubmittedCode, operator::OperatorName, recipient::EmailAddress, secret::SecretString,
};
use backstop_engine::{
    Engine,
    operators::{Enrolling, JoinError},
};
use http::StatusCode;
use minijinja::context;
use serde::Deserialize;

use crate::page::page;

const PAGE: &str = "admin/join.html";

/// The page, for the program's operators.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new().route("/admin/join", get(open).post(step)).with_state(engine)
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    token: SecretString,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    state: Option<SecretString>,
    secret: Option<SecretString>,
    code: Option<String>,
}

async fn open(State(engine): State<Arc<Engine>>, link: Result<Query<Link>, QueryRejection>) -> Response {
    let token = SecretString::new(link.map(|Query(link)| link.token).unwrap_or_default());
    match engine.invitation(&token).await {
        Ok(_) => names(StatusCode::OK, &token, "", "", ""),
        Err(error) => refused(&error),
    }
}

async fn step(State(engine): State<Arc<Engine>>, Form(step): Form<Step>) -> Response {
    match (&step.state, &step.code) {
        (Some(state), Some(code)) => second(&engine, &step, state, code).await,
        _ => first(&engine, &step).await,
    }
}

/// A name and an address: shows the seed.
async fn first(engine: &Engine, step: &Step) -> Response {
    let wrong = |problem| names(StatusCode::BAD_REQUEST, &step.token, &step.name, &step.email, problem);
    if let Err(error) = engine.invitation(&step.token).await {
        return refused(&error);
    }
    let Ok(name) = OperatorName::parse(&step.name) else {
        return wrong("Write a name of 1 to 60 characters.");
    };
    let Ok(email) = EmailAddress::parse(step.email.trim()) else {
        return wrong("Write an e-mail address such as meera@acme.example.");
    };
    match engine.begin_join(&step.token, name, &email).await {
        Ok(Enrolling { state, secret, qr_svg }) => {
            // The document's first line is not part of a page.
            let svg = qr_svg.find("<svg").map_or("", |at| &qr_svg[at..]);
            codes(StatusCode::OK, &step.token, &state, &secret, svg, "")
        }
        Err(JoinError::NameTaken) => wrong("Somebody goes by this name. Write another one."),
        Err(error) => refused(&error),
    }
}

/// The first code: makes an operator.
async fn second(engine: &Engine, step: &Step, state: &SecretString, code: &str) -> Response {
    let secret = step.secret.clone().unwrap_or_else(|| SecretString::new(""));
    let again = |problem| codes(StatusCode::BAD_REQUEST, &step.token, state, &secret, "", problem);
    let Ok(code) = SubmittedCode::parse(code) else { return again("Write the six digits of the app.") };
    match engine.join(&step.token, state, &code).await {
        Ok(operator) => page(
            StatusCode::OK,
            PAGE,
            context! { step => "done", name => operator.name.as_str(), role => operator.role.as_str() },
        ),
        Err(JoinError::WrongCode) => again("That code is wrong. Wait for the next one and write it."),
        Err(JoinError::NameTaken) => {
            names(StatusCode::CONFLICT, &step.token, "", "", "Somebody goes by this name. Write another one.")
        }
        Err(JoinError::StartAgain) => names(
            StatusCode::BAD_REQUEST,
            &step.token,
            "",
            "",
            "That took more than ten minutes, or came from another link. Begin again.",
        ),
        Err(error) => refused(&error),
    }
}

fn names(status: StatusCode, token: &SecretString, name: &str, email: &str, problem: &str) -> Response {
    let token = token.expose();
    page(status, PAGE, context! { step => "names", token, name, email, problem })
}

fn codes(
    status: StatusCode,
    token: &SecretString,
    state: &SecretString,
    secret: &SecretString,
    svg: &str,
    problem: &str,
) -> Response {
    let (token, state, secret) = (token.expose(), state.expose(), secret.expose());
    page(status, PAGE, context! { step => "codes", token, state, secret, svg, problem })
}

fn refused(error: &JoinError) -> Response {
    match error {
        JoinError::Store(error) => {
            tracing::warn!(%error, "nobody could join: the store is not available");
            page(StatusCode::SERVICE_UNAVAILABLE, PAGE, context! { step => "down" })
        }
        _ => page(StatusCode::NOT_FOUND, PAGE, context! { step => "over" }),
    }
}

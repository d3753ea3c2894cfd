//! The API reference at `/docs`, made by us from the OpenAPI document: it loads nothing from elsewhere and needs no
//! script to be read.
//!
//! The document is read as a plain JSON value, so that whatever the code generates shows up here; what a part of it
//! does not say is left out, never guessed. A reference that leads back to itself ends where it does.

use axum::{Router, response::Response, routing::get};
use http::StatusCode;
use minijinja::context;
use serde::Serialize;
use serde_json::Value;

use crate::{error::Code, page};

mod example;
pub(crate) mod prose;
mod schema;

use schema::{Document, Field};

/// Verbs in the order that a reader looks for them.
const VERBS: [&str; 5] = ["post", "get", "put", "patch", "delete"];

#[derive(Debug, Default, Serialize)]
struct Group {
    name: String,
    about: String,
    calls: Vec<Call>,
}

#[derive(Debug, Serialize)]
struct Call {
    anchor: String,
    verb: String,
    path: String,
    summary: String,
    about: String,
    credentials: bool,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    answers: Vec<Answer>,
    errors: Vec<Answer>,
    curl: String,
}

#[derive(Debug, Serialize)]
struct Parameter {
    place: String,
    #[serde(flatten)]
    field: Field,
}

#[derive(Debug, Serialize)]
struct Body {
    kind: String,
    required: bool,
    fields: Vec<Field>,
}

#[derive(Debug, Serialize)]
struct Answer {
    status: String,
    about: String,
    fields: Vec<Field>,
}

/// A kind of failure; a problem's `type` leads to it.
#[derive(Debug, Serialize)]
struct Failure {
    code: &'static str,
    status: u16,
    title: &'static str,
}

fn failures() -> Vec<Failure> {
    let failure =
        |code: &Code| Failure { code: code.as_str(), status: code.status().as_u16(), title: code.title() };
    Code::ALL.iter().map(failure).collect()
}

/// The reference page of an OpenAPI 3.1 document. If it cannot be made, a page that says so.
pub fn render(openapi: &Value) -> String {
    let info = &openapi["info"];
    let groups = groups(&Document(openapi));
    let context = context! {
        title => text(&info["title"], "API"),
        about => text(&info["description"], ""),
        groups => groups,
        failures => failures(),
    };
    page::fill("reference.html", context).unwrap_or_else(|error| {
        tracing::error!(error = %error, "reference not rendered");
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>API reference</title>\
         <p>The reference could not be made. The document is at <a href=\"/openapi.json\">/openapi.json</a>."
            .to_owned()
    })
}

/// `GET /docs`, rendered once.
pub fn router(openapi: &Value) -> Router {
    let rendered = render(openapi);
    Router::new().route("/docs", get(move || show(rendered.clone())))
}

async fn show(rendered: String) -> Response {
    page::html(StatusCode::OK, rendered)
}

fn text(value: &Value, otherwise: &str) -> String {
    value.as_str().unwrap_or(otherwise).trim().to_owned()
}

/// The first sentence, without its full stop: a heading.
fn sentence(text: &str) -> String {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.').to_owned()
}

/// What follows the first sentence of a summary, before the description.
fn rest(summary: &str, description: &str) -> String {
    let rest = summary.split_once(". ").map_or("", |(_, rest)| rest);
    format!("{rest}\n\n{description}").trim().to_owned()
}

fn groups(document: &Document<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = document.0["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| Group {
            name: text(&tag["name"], ""),
            about: text(&tag["description"], ""),
            calls: Vec::new(),
        })
        .collect();
    for (path, item) in document.0["paths"].as_object().into_iter().flatten() {
        for verb in VERBS {
            let Some(operation) = item.get(verb) else { continue };
            let tag = text(&operation["tags"][0], "Other");
            let call = call(document, path, verb, item, operation);
            match groups.iter_mut().find(|group| group.name == tag) {
                Some(group) => group.calls.push(call),
                None => groups.push(Group { name: tag, about: String::new(), calls: vec![call] }),
            }
        }
    }
    groups.retain(|group| !group.calls.is_empty());
    groups
}

fn call(document: &Document<'_>, path: &str, verb: &str, item: &Value, operation: &Value) -> Call {
    let parameters: Vec<&Value> = [&item["parameters"], &operation["parameters"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .map(|parameter| document.resolve(parameter))
        .collect();
    let (errors, answers) = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(status, answer)| self::answer(document, status, document.resolve(answer)))
        .partition(|answer| answer.status.starts_with(['4', '5', 'd']));
    let credentials = operation
        .get("security")
        .or_else(|| document.0.get("security"))
        .and_then(Value::as_array)
        .is_some_and(|ways| ways.iter().any(|way| way.as_object().is_some_and(|way| !way.is_empty())));
    Call {
        anchor: format!("{verb}{}", path.replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
        verb: verb.to_uppercase(),
        path: path.to_owned(),
        summary: sentence(&text(&operation["summary"], "")),
        about: rest(&text(&operation["summary"], ""), &text(&operation["description"], "")),
        credentials,
        parameters: parameters.iter().map(|parameter| self::parameter(document, parameter)).collect(),
        body: operation.get("requestBody").and_then(|body| self::body(document, document.resolve(body))),
        answers,
        errors,
        curl: example::curl(document, path, verb, &parameters, operation, credentials),
    }
}

fn parameter(document: &Document<'_>, parameter: &Value) -> Parameter {
    let mut field = document.field(&text(&parameter["name"], ""), &parameter["schema"]);
    field.required = parameter["required"].as_bool().unwrap_or(false);
    if let Some(about) = parameter["description"].as_str() {
        about.trim().clone_into(&mut field.about);
    }
    Parameter { place: text(&parameter["in"], ""), field }
}

fn body(document: &Document<'_>, body: &Value) -> Option<Body> {
    let (kind, media) = body["content"].as_object()?.iter().next()?;
    Some(Body {
        kind: kind.clone(),
        required: body["required"].as_bool().unwrap_or(false),
        fields: document.fields(&media["schema"]),
    })
}

fn answer(document: &Document<'_>, status: &str, answer: &Value) -> Answer {
    let media = answer["content"].as_object().and_then(|content| content.values().next());
    Answer {
        status: status.to_owned(),
        about: text(&answer["description"], ""),
        fields: media.map_or_else(Vec::new, |media| document.fields(&media["schema"])),
    }
}

#[cfg(test)]
mod tests;

//! What answers at `/`: in development where everything is and one command that works as printed; in production the
//! product's word and nothing else, no version, for whoever knocks.

use std::sync::Arc;

use axum::{Router, response::Response, routing::get};
use http::StatusCode;
use minijinja::context;

use crate::{dev::Desk, page};

/// The page at `/`. With a desk it is development's, else production's.
pub fn router(desk: Option<Arc<dyn Desk>>) -> Router {
    Router::new().route(
        "/",
        get(move || {
            let desk = desk.clone();
            async move { show(desk.as_deref()) }
        }),
    )
}

fn show(desk: Option<&dyn Desk>) -> Response {
    let Some(desk) = desk else {
        return page::page(StatusCode::OK, "production.html", context! {});
    };
    let base_url = desk.base_url();
    page::page(
        StatusCode::OK,
        "landing.html",
        context! { curl => first_command(&base_url), base_url => base_url },
    )
}

/// The command that starts a first verification, for pages and for the terminal.
pub fn first_command(base_url: &str) -> String {
    format!(
        "curl -s {base_url}/v1/verifications -u dev:sk_dev -H 'content-type: application/json' \
         -d '{{\"to\":\"+14155550123\"}}'"
    )
}

#[cfg(test)]
mod tests;

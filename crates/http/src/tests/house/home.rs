//! The doors with people behind them, and the calls that most tests about people begin with.

use std::sync::Arc;

use axum::Router;
use backstop_domain::clock::ManualClock;
use serde_json::{Value, json};

use super::{Answer, PAGE, SECRET, ask, inhabited, request};
use crate::router;

pub(in crate::tests) const PASSWORD: &str = "a long walk along the river";

/// The doors, over a register of people.
pub(in crate::tests) struct Home {
    pub(in crate::tests) router: Router,
    pub(in crate::tests) clock: Arc<ManualClock>,
}

/// Somebody who is in.
#[derive(Debug, Clone)]
pub(in crate::tests) struct Person {
    pub(in crate::tests) user: String,
    pub(in crate::tests) session: String,
    pub(in crate::tests) access: String,
    pub(in crate::tests) refresh: String,
}

impl Home {
    pub(in crate::tests) fn new() -> Self {
        let (doors, clock) = inhabited();
        Self { router: router(doors), clock }
    }

    /// Calls with this `Authorization`, from the application's page.
    pub(in crate::tests) async fn call(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("authorization", key), ("origin", PAGE)];
        ask(&self.router, request(method, path, &headers, &body)).await
    }

    /// The application makes a user with this mail address and a password. Gives the id.
    pub(in crate::tests) async fn user(&self, key: &str, email: &str, more: Value) -> String {
        let mut body = json!({ "addresses": [{ "to": email, "confirmed": true }], "password": PASSWORD });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.call(key, "POST", "/v1/users", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// A user of the shop who is in by a password.
    pub(in crate::tests) async fn person(&self, email: &str) -> Person {
        self.user(SECRET, email, json!({})).await;
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.call(SECRET, "POST", "/v1/sign-in/password", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Person::of(&answer)
    }
}

impl Person {
    pub(in crate::tests) fn of(answer: &Answer) -> Self {
        let body = answer.json();
        let text =
            |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned();
        Self {
            user: text("user_id"),
            session: text("session_id"),
            access: format!("Bearer {}", text("access_token")),
            refresh: text("refresh_token"),
        }
    }
}

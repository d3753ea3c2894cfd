//! What the callers did and heard: every call with its begin and its end, by the clock that PostgreSQL goes by too.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Caller;

/// How long a caller waits for an answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Start { to: String, purpose: String },
    Check { id: String, code: String },
    Resend { id: String },
    Redeem { id: String },
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// One call. Without an answer nobody knows whether it was done.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) node: usize,
    pub(super) begun: i64,
    pub(super) ended: i64,
    pub(super) key: Option<String>,
    pub(super) asked: Asked,
    pub(super) heard: Option<Heard>,
}

impl Call {
    /// The body, if the answer has this status.
    pub(super) fn body(&self, status: u16) -> Option<&Value> {
        self.heard.as_ref().filter(|heard| heard.status == status).map(|heard| &heard.body)
    }

    /// Whether it may have been done though the caller was not told so.
    pub(super) fn is_open(&self) -> bool {
        self.heard.as_ref().is_none_or(|heard| heard.status >= 500)
    }
}

/// The nodes as callers know them, and what they heard from them.
pub(super) struct Desk {
    nodes: Mutex<Vec<Caller>>,
    calls: Mutex<Vec<Call>>,
}

impl Desk {
    pub(super) fn new(nodes: Vec<Caller>) -> Self {
        Self { nodes: Mutex::new(nodes), calls: Mutex::default() }
    }

    /// A node has moved to another port.
    pub(super) fn moved(&self, node: usize, caller: Caller) {
        self.nodes.lock().unwrap()[node] = caller;
    }

    /// Every call so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Calls a node and writes down what came of it.
    pub(super) async fn call(&self, node: usize, key: Option<&str>, asked: Asked) -> Option<Heard> {
        let (path, body) = match &asked {
            Asked::Start { to, purpose } => {
                ("/v1/verifications".to_owned(), json!({ "to": to, "purpose": purpose }))
            }
            Asked::Check { id, code } => (format!("/v1/verifications/{id}/check"), json!({ "code": code })),
            Asked::Resend { id } => (format!("/v1/verifications/{id}/resend"), json!({})),
            Asked::Redeem { id } => (format!("/v1/verifications/{id}/redeem"), json!({})),
        };
        let mut caller = self.nodes.lock().unwrap()[node].clone();
        if let Some(key) = key {
            caller = caller.with("idempotency-key", key);
        }
        let begun = millis();
        let answer = tokio::time::timeout(PATIENCE, caller.try_send(Method::POST, &path, Some(body))).await;
        let answer = answer.ok().and_then(Result::ok);
        if let Some(refusal) = answer.as_ref().filter(|answer| answer.status == 503) {
            assert!(refusal.headers.contains_key("retry-after"), "{refusal:?}");
            assert_eq!(refusal.headers["content-type"], "application/problem+json");
        }
        let heard = answer.map(|answer| Heard { status: answer.status.as_u16(), body: answer.body });
        let call =
            Call { node, begun, ended: millis(), key: key.map(str::to_owned), asked, heard: heard.clone() };
        self.calls.lock().unwrap().push(call);
        heard
    }
}

/// The present moment by the clock of the machine, which is PostgreSQL's.
#[expect(clippy::disallowed_methods, reason = "a test of real processes holds their times against its own")]
pub(super) fn millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

//! A loopback receiver of the kind `webhook`: the one vendor that is told the attempt's id, on any channel.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use super::{Dice, eventually, now, pause};

/// What it does with a message.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Takes it.
    Take,
    /// Takes it after some time below this.
    TakeWithin(Duration),
    /// Takes it after this.
    TakeAfter(Duration),
}

/// A message that came. Noted before it is answered.
#[derive(Debug, Clone)]
pub(crate) struct Handed {
    pub(crate) attempt: String,
    pub(crate) verification: String,
    pub(crate) channel: String,
    pub(crate) to: String,
    pub(crate) code: String,
    pub(crate) at: Instant,
}

struct Desk {
    reply: Reply,
    dice: Dice,
    handed: Vec<Handed>,
}

/// See the module.
pub(crate) struct Gateway {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
}

impl Gateway {
    pub(crate) async fn start(reply: Reply) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Mutex::new(Desk { reply, dice: Dice::new(1), handed: Vec::new() }));
        let router = Router::new().route("/codes", post(message)).with_state(desk.clone());
        #[expect(clippy::disallowed_methods, reason = "a vendor of a test lives as long as its runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    /// The provider entry for it, by `name`, for one channel.
    pub(crate) fn provider(&self, name: &str, channel: &str) -> String {
        format!(
            r#"
[[provider]]
name = "{name}"
kind = "webhook"
channels = ["{channel}"]
url = "http://{}/codes"
secret = "whsec_cmFuZG9tLWJ5dGVzLWZvci1hLXRlc3QtZ2F0ZXdheQ=="
"#,
            self.address
        )
    }

    pub(crate) fn handed(&self) -> Vec<Handed> {
        self.desk.lock().unwrap().handed.clone()
    }

    /// Waits for the message of number `count`, from 1, and gives it.
    pub(crate) async fn message(&self, count: usize) -> Handed {
        eventually("a message at the gateway", Duration::from_secs(20), || async {
            self.handed().get(count - 1).cloned()
        })
        .await
    }

    /// The code for a verification, if it came already.
    pub(crate) fn code_of(&self, verification: &str) -> Option<String> {
        let desk = self.desk.lock().unwrap();
        desk.handed
            .iter()
            .find(|handed| handed.verification == verification)
            .map(|handed| handed.code.clone())
    }
}

async fn message(
    State(desk): State<Arc<Mutex<Desk>>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let text = |field: &str| body["data"][field].as_str().unwrap_or_default().to_owned();
    let handed = Handed {
        attempt: text("attempt_id"),
        verification: text("verification_id"),
        channel: text("channel"),
        to: text("to"),
        code: text("code"),
        at: now(),
    };
    if headers.get("webhook-id").is_none_or(|id| id != handed.attempt.as_str()) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let span = {
        let mut desk = desk.lock().unwrap();
        desk.handed.push(handed);
        match desk.reply {
            Reply::Take => Duration::ZERO,
            Reply::TakeWithin(most) => desk.dice.within(most),
            Reply::TakeAfter(span) => span,
        }
    };
    pause(span).await;
    Json(json!({ "outcome": "accepted" })).into_response()
}

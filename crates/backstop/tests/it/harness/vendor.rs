//! A loopback Twilio that behaves as a test says.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Form, Router,
    body::Body,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{Callback, eventually, now, pause};

/// What the vendor does with a message.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    /// Takes it: 201 with a message id, and the text repeated, as Twilio does.
    Accept,
    /// Takes the request and never answers.
    Hang,
    /// Takes it after a while.
    Slow(Duration),
    /// Posts these receipts to the address that it was given, and takes the message after they were answered.
    TellFirst(&'static [&'static str]),
    /// Takes it, and posts this receipt soon after.
    ThenTell(&'static str),
    /// Answers with a status and a body.
    Answer(u16, String),
    /// A refusal in Twilio's form that repeats the number and the text, with `Retry-After` in seconds if that is given.
    Refuse(u16, u32, Option<u64>),
    /// Answers 201 and a body without end.
    Endless,
}

impl Behaviour {
    /// A refusal in Twilio's form.
    pub(crate) fn error(status: u16, code: u32) -> Self {
        Self::Answer(
            status,
            format!(r#"{{"code":{code},"message":"refused","more_info":"","status":{status}}}"#),
        )
    }
}

/// A message that came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) form: BTreeMap<String, String>,
    /// The id that its acceptance names.
    pub(crate) sid: String,
    pub(crate) at: Instant,
}

impl Received {
    /// The code in the text: its only run of six digits.
    pub(crate) fn code(&self) -> String {
        code_in(&self.form["Body"])
    }

    /// What Twilio would say of it, signed: `delivered`, or `undelivered 30005` with an error code.
    pub(crate) fn receipt(&self, said: &str) -> Callback {
        Callback::about(&self.form, &self.sid, said)
    }
}

/// The only run of six digits in a text.
pub(crate) fn code_in(text: &str) -> String {
    let runs: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6).collect();
    assert_eq!(runs.len(), 1, "one code in {text:?}");
    runs[0].to_owned()
}

struct Desk {
    usual: Behaviour,
    next: VecDeque<Behaviour>,
    received: Vec<Received>,
    credit: Option<String>,
}

/// A loopback Twilio; the account is `AC` and 32 digits, the token anything.
pub(crate) struct Twilio {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
}

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000009";
/// The token of every account here; callbacks are signed with it.
pub(crate) const TOKEN: &str = "token-0123456789abcdef0123456789ab";

impl Twilio {
    pub(crate) async fn start(usual: Behaviour) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk =
            Arc::new(Mutex::new(Desk { usual, next: VecDeque::new(), received: Vec::new(), credit: None }));
        let router = Router::new()
            .route("/2010-04-01/Accounts/{account}/Messages.json", post(message))
            .route("/2010-04-01/Accounts/{account}/Calls.json", post(message))
            .route("/2010-04-01/Accounts/{account}/Balance.json", get(balance))
            .with_state(desk.clone());
        #[expect(clippy::disallowed_methods, reason = "a vendor of a test lives as long as its runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The provider entry for it, by `name`.
    pub(crate) fn provider(&self, name: &str) -> String {
        twilio_provider(name, self.address)
    }

    /// The same for calls.
    pub(crate) fn caller(&self, name: &str) -> String {
        self.provider(name).replace("[\"sms\"]", "[\"voice\"]")
    }

    /// The same without a word about India.
    pub(crate) fn abroad(&self, name: &str) -> String {
        self.provider(name).replace("dlt = \"at-vendor\"\n", "")
    }

    /// What is left in the account from now on, in USD; it is not told before.
    pub(crate) fn has_left(&self, credit: &str) {
        self.desk.lock().unwrap().credit = Some(credit.to_owned());
    }

    /// From now on.
    pub(crate) fn behave(&self, usual: Behaviour) {
        self.desk.lock().unwrap().usual = usual;
    }

    /// For the next message only.
    pub(crate) fn next(&self, behaviour: Behaviour) {
        self.desk.lock().unwrap().next.push_back(behaviour);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.desk.lock().unwrap().received.clone()
    }

    /// Waits for the message of number `count`, from 1, and gives it.
    pub(crate) async fn message(&self, count: usize) -> Received {
        eventually("a message", Duration::from_secs(20), || async { self.received().get(count - 1).cloned() })
            .await
    }
}

/// A provider entry of kind `twilio` at an address.
pub(crate) fn twilio_provider(name: &str, address: SocketAddr) -> String {
    format!(
        r#"
[[provider]]
name = "{name}"
kind = "twilio"
dlt = "at-vendor"
channels = ["sms"]
account_sid = "{ACCOUNT}"
auth_token = "{TOKEN}"
from = "+15005550006"
base_url = "http://{address}"
"#
    )
}

async fn message(
    State(desk): State<Arc<Mutex<Desk>>>,
    Path(account): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    let (behaviour, received) = {
        let mut desk = desk.lock().unwrap();
        let kind = if form.contains_key("Url") { "CA" } else { "SM" };
        let sid = format!("{kind}{:032}", desk.received.len() + 1);
        let received = Received { form, sid, at: now() };
        desk.received.push(received.clone());
        (desk.next.pop_front().unwrap_or_else(|| desk.usual.clone()), received)
    };
    let Received { form, sid, .. } = &received;
    if account != ACCOUNT {
        return (StatusCode::NOT_FOUND, r#"{"code":20404,"message":"","status":404}"#).into_response();
    }
    match behaviour {
        Behaviour::Accept => accepted(form, sid),
        Behaviour::Slow(span) => {
            pause(span).await;
            accepted(form, sid)
        }
        Behaviour::TellFirst(receipts) => {
            for said in receipts {
                received.receipt(said).taken().await;
            }
            accepted(form, sid)
        }
        Behaviour::ThenTell(said) => {
            let answer = accepted(form, sid);
            #[expect(
                clippy::disallowed_methods,
                reason = "the receipt comes after the answer, as Twilio's do"
            )]
            tokio::spawn(async move {
                pause(Duration::from_millis(50)).await;
                received.receipt(said).post().await
            });
            answer
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Answer(status, body) => {
            (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, "application/json")], body)
                .into_response()
        }
        Behaviour::Refuse(status, code, retry_after) => refused(form, status, code, retry_after),
        Behaviour::Endless => {
            let blocks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 4096]));
            (StatusCode::CREATED, Body::from_stream(blocks)).into_response()
        }
    }
}

fn refused(form: &BTreeMap<String, String>, status: u16, code: u32, retry_after: Option<u64>) -> Response {
    let message = format!("no '{}' to {}", form["Body"], form["To"]);
    let body = serde_json::json!({ "code": code, "message": message, "more_info": "", "status": status });
    let mut answer = (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response();
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

fn accepted(form: &BTreeMap<String, String>, sid: &str) -> Response {
    let body = serde_json::json!({
        "sid": sid, "status": "queued", "to": form.get("To"), "from": form.get("From"),
        "body": form.get("Body"), "num_segments": "1", "price": null, "price_unit": "USD", "error_code": null,
        "error_message": null, "date_created": "Thu, 01 Jan 2026 10:00:00 +0000",
    });
    (StatusCode::CREATED, axum::Json(body)).into_response()
}

async fn balance(State(desk): State<Arc<Mutex<Desk>>>) -> Response {
    match desk.lock().unwrap().credit.clone() {
        Some(left) => axum::Json(serde_json::json!({ "currency": "USD", "balance": left })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

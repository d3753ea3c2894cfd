//! A loopback Twilio Verify that makes and checks its own codes.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use super::{eventually, pause};

const ACCOUNT: &str = "AC00000000000000000000000000000009";
const SERVICE: &str = "VA00000000000000000000000000000009";
/// How long one that hangs does.
const LONG: Duration = Duration::from_secs(60);

/// What it does with a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checks {
    /// Answers it.
    Answers,
    /// Takes it and says nothing.
    Hangs,
    /// Is down, and something before it says so.
    IsDown,
}

/// A code that it made, for one person.
#[derive(Debug, Clone)]
struct Made {
    sid: String,
    code: String,
    checks: u32,
}

struct Desk {
    checks: Checks,
    made: BTreeMap<String, Made>,
    starts: Vec<BTreeMap<String, String>>,
    asked: Vec<BTreeMap<String, String>>,
}

/// See the module.
pub(crate) struct TwilioVerify {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
}

impl TwilioVerify {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Mutex::new(Desk {
            checks: Checks::Answers,
            made: BTreeMap::new(),
            starts: Vec::new(),
            asked: Vec::new(),
        }));
        let router = Router::new()
            .route("/v2/Services/{service}/Verifications", post(verification))
            .route("/v2/Services/{service}/VerificationCheck", post(check))
            .with_state(desk.clone());
        #[expect(clippy::disallowed_methods, reason = "a vendor of a test lives as long as its runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    /// The provider entry for it, by `name`, for texts; it makes the codes.
    pub(crate) fn provider(&self, name: &str) -> String {
        format!(
            r#"
[[provider]]
name = "{name}"
kind = "twilio-verify"
dlt = "at-vendor"
channels = ["sms"]
account_sid = "{ACCOUNT}"
auth_token = "token-0123456789abcdef0123456789ab"
service_sid = "{SERVICE}"
custom_code = false
base_url = "http://{}"
"#,
            self.address
        )
    }

    /// From now on.
    pub(crate) fn checks(&self, checks: Checks) {
        self.desk.lock().unwrap().checks = checks;
    }

    /// What it was asked to send.
    pub(crate) fn starts(&self) -> Vec<BTreeMap<String, String>> {
        self.desk.lock().unwrap().starts.clone()
    }

    /// The codes that it was asked about.
    pub(crate) fn asked(&self) -> Vec<BTreeMap<String, String>> {
        self.desk.lock().unwrap().asked.clone()
    }

    /// The code that it made for a person, once it has.
    pub(crate) async fn code(&self, to: &str) -> String {
        eventually("a code of the vendor's", Duration::from_secs(20), || async {
            self.desk.lock().unwrap().made.get(to).map(|made| made.code.clone())
        })
        .await
    }
}

fn refused(status: StatusCode, code: u32, message: &str) -> Response {
    let body = json!({ "code": code, "message": message, "more_info": "", "status": status.as_u16() });
    (status, Json(body)).into_response()
}

fn resource(to: &str, sid: &str, status: &str) -> Value {
    json!({
        "sid": sid, "service_sid": SERVICE, "account_sid": ACCOUNT, "to": to, "channel": "sms",
        "status": status, "valid": status == "approved", "date_created": "2026-01-01T00:00:00Z",
        "date_updated": "2026-01-01T00:00:00Z", "amount": null, "payee": null,
    })
}

fn is_ours(service: &str, headers: &HeaderMap) -> bool {
    service == SERVICE
        && headers.get("authorization").is_some_and(|value| value.as_bytes().starts_with(b"Basic "))
}

async fn verification(
    State(desk): State<Arc<Mutex<Desk>>>,
    Path(service): Path<String>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    if !is_ours(&service, &headers) {
        return refused(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
    }
    let mut desk = desk.lock().unwrap();
    let to = form["To"].clone();
    let number = desk.starts.len() + 1;
    desk.starts.push(form);
    // A start while a code is pending sends that code again.
    let made = desk.made.entry(to.clone()).or_insert_with(|| Made {
        sid: format!("VE{number:032}"),
        code: format!("{:06}", 700_000 + number * 1_111),
        checks: 0,
    });
    (StatusCode::CREATED, Json(resource(&to, &made.sid, "pending"))).into_response()
}

async fn check(
    State(desk): State<Arc<Mutex<Desk>>>,
    Path(service): Path<String>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    if !is_ours(&service, &headers) {
        return refused(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
    }
    let checks = {
        let mut desk = desk.lock().unwrap();
        desk.asked.push(form.clone());
        desk.checks
    };
    match checks {
        Checks::Answers => {}
        Checks::Hangs => pause(LONG).await,
        Checks::IsDown => return (StatusCode::BAD_GATEWAY, "<html>Bad Gateway</html>").into_response(),
    }
    let mut desk = desk.lock().unwrap();
    let named = |(to, made): &(&String, &mut Made)| {
        form.get("VerificationSid") == Some(&made.sid) || form.get("To") == Some(*to)
    };
    let found = desk.made.iter_mut().find(named).map(|(to, made)| {
        made.checks += 1;
        (to.clone(), made.clone())
    });
    match found {
        None => refused(StatusCode::NOT_FOUND, 20404, "The requested resource was not found"),
        Some((_, made)) if made.checks > 5 => {
            refused(StatusCode::TOO_MANY_REQUESTS, 60202, "Max check attempts reached")
        }
        Some((to, made)) if form["Code"] == made.code => {
            desk.made.remove(&to);
            Json(resource(&to, &made.sid, "approved")).into_response()
        }
        Some((to, made)) => Json(resource(&to, &made.sid, "pending")).into_response(),
    }
}

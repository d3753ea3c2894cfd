//! A loopback gateway of kind `webhook`: takes a code over any channel and remembers what it was told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::Value;

use super::{Caller, Program, eventually};

/// The secret that its messages are signed with.
pub(crate) const SIGNING_SECRET: &str = "whsec_Z2F0ZXdheS1nYXRld2F5LWdhdGV3YXktZ2F0ZXdheQ==";

struct Desk {
    answer: (u16, String),
    received: Vec<Value>,
}

/// A gateway that answers as a test says: 204 and nothing, unless told otherwise.
pub(crate) struct AnyChannel {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
}

impl AnyChannel {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Mutex::new(Desk { answer: (204, String::new()), received: Vec::new() }));
        let router = Router::new().route("/codes", post(take)).with_state(desk.clone());
        #[expect(clippy::disallowed_methods, reason = "a vendor of a test lives as long as its runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    /// The provider entry for it, over these channels.
    pub(crate) fn provider(&self, name: &str, channels: &[&str]) -> String {
        format!(
            "\n[[provider]]\nname = \"{name}\"\nkind = \"webhook\"\nchannels = {channels:?}\n\
             url = \"http://{}/codes\"\nsecret = \"{SIGNING_SECRET}\"\n",
            self.address
        )
    }

    /// From now on. In `body`, `{to}`, `{code}`, `{text}` and `{percent}` (the recipient as a form writes it) stand for
    /// what the message holds, as vendors repeat it in their errors.
    pub(crate) fn answer(&self, status: u16, body: &str) {
        self.desk.lock().unwrap().answer = (status, body.to_owned());
    }

    /// Every message, oldest first.
    pub(crate) fn received(&self) -> Vec<Value> {
        self.desk.lock().unwrap().received.clone()
    }

    /// Waits for the message of number `count`, from 1, of a verification.
    pub(crate) async fn message(&self, id: &str, count: usize) -> Value {
        eventually("a message at the gateway", Duration::from_secs(20), || async {
            let all = self.received();
            all.into_iter().filter(|message| message["verification_id"] == id).nth(count - 1)
        })
        .await
    }

    /// The code of a verification, from its first message.
    pub(crate) async fn code(&self, id: &str) -> String {
        self.message(id, 1).await["code"].as_str().unwrap().to_owned()
    }
}

async fn take(State(desk): State<Arc<Mutex<Desk>>>, body: Bytes) -> impl IntoResponse {
    let message: Value = serde_json::from_slice(&body).unwrap();
    let mut desk = desk.lock().unwrap();
    let data = &message["data"];
    desk.received.push(data.clone());
    let said = |field: &str| data[field].as_str().unwrap().to_owned();
    let percent = said("to").replace('+', "%2B").replace('@', "%40");
    let body = desk.answer.1.replace("{to}", &said("to")).replace("{code}", &said("code"));
    let body = body.replace("{text}", &said("text")).replace("{percent}", &percent);
    (StatusCode::from_u16(desk.answer.0).unwrap(), body)
}

/// A code of the same form that is not this one.
pub(crate) fn wrong(code: &str) -> String {
    let last = if code.ends_with('2') { '3' } else { '2' };
    format!("{}{last}", &code[..code.len() - 1])
}

/// The program with the application `shop`, whose codes all go to a gateway, and more configuration.
pub(crate) async fn shop(more: &str) -> (AnyChannel, Program) {
    let gateway = AnyChannel::start().await;
    let provider = gateway.provider("gateway", &["sms", "whatsapp", "email"]);
    let program = Program::configured(&format!("{more}\n{provider}"));
    (gateway, program)
}

/// Somebody on a page of `shop`.
pub(crate) fn visitor(program: &Program) -> Caller {
    program.caller(Some("pk_shop_0123456789abcdef")).with("origin", "https://shop.example")
}

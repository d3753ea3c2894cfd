use std::{collections::BTreeMap, time::Duration};

use axum::{body::Body, middleware::map_response, response::Response};
use backstop_domain::{
    attempt::AttemptState,
    channel::Channel,
    id::AttemptId,
    ports::{
        BoxFuture,
        inbox::{InboxMessage, Outage, PretendProvider},
        random::SeededRandom,
    },
    verification::Status,
};
use backstop_engine::AttemptReport;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::*;
use crate::{
    error::Problem,
    page::tests::{Read, assert_well_behaved, assert_well_kept, get_from, send},
};

const NOW: Timestamp = Timestamp::from_millis(1_795_143_121_000);

/// An inbox in memory.
struct MemoryInbox {
    messages: Mutex<Vec<InboxMessage>>,
    providers: Mutex<Vec<PretendProvider>>,
    version: watch::Sender<u64>,
}

impl MemoryInbox {
    fn new() -> Self {
        let provider = |name: &str, channels: &[Channel]| PretendProvider {
            name: name.to_owned(),
            channels: channels.to_vec(),
            outage: Outage::Works,
        };
        Self {
            messages: Mutex::default(),
            providers: Mutex::new(vec![
                provider("sms-one", &[Channel::Sms]),
                provider("sms-two", &[Channel::Sms]),
                provider("mail", &[Channel::Email]),
                provider("chat", &[Channel::Whatsapp, Channel::Telegram]),
                provider("phone", &[Channel::Voice]),
            ]),
            version: watch::Sender::new(1),
        }
    }

    fn take(&self, message: InboxMessage) {
        self.messages.lock().insert(0, message);
        self.version.send_modify(|version| *version += 1);
    }
}

impl Inbox for MemoryInbox {
    fn messages(&self, limit: usize) -> Vec<InboxMessage> {
        self.messages.lock().iter().take(limit).cloned().collect()
    }
    fn providers(&self) -> Vec<PretendProvider> {
        self.providers.lock().clone()
    }
    fn switch(&self, provider: &str, outage: Outage) -> bool {
        let mut providers = self.providers.lock();
        let Some(found) = providers.iter_mut().find(|each| each.name == provider) else { return false };
        found.outage = outage;
        self.version.send_modify(|version| *version += 1);
        true
    }
    fn clear(&self) {
        self.messages.lock().clear();
        self.version.send_modify(|version| *version += 1);
    }
    fn version(&self) -> u64 {
        *self.version.borrow()
    }
    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        let mut receiver = self.version.subscribe();
        Box::pin(async move {
            let _ = receiver.wait_for(|version| *version != seen).await;
        })
    }
}

/// A desk whose verifications are what a test says they are.
#[derive(Default)]
pub(crate) struct FakeDesk {
    fates: Mutex<BTreeMap<VerificationId, Fate>>,
    started: Mutex<Vec<(String, Option<String>)>>,
    closed: tokio::sync::Notify,
}

impl FakeDesk {
    pub(crate) fn standing() -> Arc<Self> {
        Arc::default()
    }
}

#[async_trait]
impl Desk for FakeDesk {
    async fn start(&self, to: &str, channel: Option<&str>) -> Result<(), String> {
        if !to.starts_with('+') {
            return Err("That is not a number we can read. Write it as <b>+14155550123</b>.".to_owned());
        }
        self.started.lock().push((to.to_owned(), channel.map(str::to_owned)));
        Ok(())
    }
    async fn fate(&self, id: VerificationId) -> Option<Fate> {
        self.fates.lock().get(&id).cloned()
    }
    async fn newest(&self) -> Vec<(VerificationId, Fate)> {
        self.fates.lock().iter().rev().map(|(id, fate)| (*id, fate.clone())).collect()
    }
    fn now(&self) -> Timestamp {
        NOW
    }
    fn base_url(&self) -> String {
        "http://127.0.0.1:8080".to_owned()
    }
    async fn closing(&self) {
        self.closed.notified().await;
    }
}

struct Scene {
    inbox: Arc<MemoryInbox>,
    desk: Arc<FakeDesk>,
    random: SeededRandom,
    router: Router,
}

impl Scene {
    fn new() -> Self {
        let (inbox, desk) = (Arc::new(MemoryInbox::new()), FakeDesk::standing());
        let router =
            router(DevPages { inbox: inbox.clone(), desk: desk.clone() }).layer(map_response(written));
        Self { inbox, desk, random: SeededRandom::new(7), router }
    }

    /// A verification with a fate, and an attempt for each of `told`.
    fn verification(&self, status: Status, told: &[(&str, AttemptState, &str)]) -> VerificationId {
        let id = VerificationId::new(NOW, &self.random);
        let attempts = told.iter().map(|(provider, state, outcome)| self.attempt(provider, *state, outcome));
        let fate = Fate {
            status,
            created_at: NOW,
            approved_at: (status == Status::Approved).then(|| NOW + Duration::from_secs(12)),
            attempts: attempts.collect(),
        };
        self.desk.fates.lock().insert(id, fate);
        id
    }

    fn attempt(&self, provider: &str, state: AttemptState, outcome: &str) -> AttemptReport {
        AttemptReport {
            id: AttemptId::new(NOW, &self.random),
            channel: Channel::Sms,
            provider: provider.to_owned(),
            state,
            outcome: Some(outcome.to_owned()),
            vendor_response: None,
            price: None,
            started_at: NOW,
            finished_at: (state != AttemptState::Sending).then(|| NOW + Duration::from_millis(310)),
        }
    }

    fn message(&self, verification: VerificationId, channel: Channel) -> InboxMessage {
        InboxMessage {
            to: "+919876543210".to_owned(),
            channel,
            provider: "sms-two".to_owned(),
            subject: String::new(),
            text: "482913 is your Backstop dev code.\n\n@localhost #482913".to_owned(),
            code: "482913".to_owned(),
            verification: Some(verification),
            attempt: AttemptId::new(NOW, &self.random),
            at: NOW,
            lost: false,
        }
    }

    async fn page(&self) -> Read {
        get_from(&self.router, "/dev/inbox").await
    }

    async fn post(&self, path: &str, kind: &str, body: &str) -> Read {
        let request = Request::post(path).header(header::CONTENT_TYPE, kind);
        send(&self.router, request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

/// Writes problems out, as the envelope does.
async fn written(mut response: Response) -> Response {
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem.write(response, "req_test", NOW),
        None => response,
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn problem(answer: &Read) -> Value {
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["status"], answer.status.as_u16());
    body
}

#[tokio::test]
async fn a_script_reads_the_newest_code_first_with_every_field_it_was_promised() {
    let scene = Scene::new();
    let id = scene.verification(Status::Pending, &[]);
    scene.inbox.take(InboxMessage { subject: "Your code".to_owned(), ..scene.message(id, Channel::Email) });
    scene.inbox.take(InboxMessage { lost: true, ..scene.message(id, Channel::Sms) });
    let answer = get_from(&scene.router, "/dev/inbox.json").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body.as_array().unwrap().len(), 2);
    assert_eq!(body[1]["subject"], "Your code");
    assert_eq!(
        body[0],
        json!({
            "to": "+919876543210",
            "channel": "sms",
            "provider": "sms-two",
            "subject": "",
            "text": "482913 is your Backstop dev code.\n\n@localhost #482913",
            "code": "482913",
            "verification_id": id.to_string(),
            "at": NOW.to_rfc3339(),
            "lost": true,
        })
    );
}

#[tokio::test]
async fn a_limit_holds_and_a_wrong_one_is_refused() {
    let scene = Scene::new();
    let id = scene.verification(Status::Pending, &[]);
    for _ in 0..60 {
        scene.inbox.take(scene.message(id, Channel::Sms));
    }
    for (query, expected) in [("", 50), ("?limit=1", 1), ("?limit=59", 59), ("?limit=500", 60)] {
        let answer = get_from(&scene.router, &format!("/dev/inbox.json{query}")).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body.as_array().unwrap().len(), expected, "{query}");
    }
    for query in
        ["?limit=0", "?limit=501", "?limit=-1", "?limit=many", "?limit=", "?limit=99999999999999999999"]
    {
        let answer = get_from(&scene.router, &format!("/dev/inbox.json{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(problem(&answer)["code"], "invalid_request");
    }
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let scene = Scene::new();
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let id = scene.verification(Status::Pending, &[(hostile, AttemptState::Accepted, "accepted")]);
    scene.inbox.take(InboxMessage {
        to: hostile.to_owned(),
        subject: hostile.to_owned(),
        text: format!("{hostile} 482913 {hostile}"),
        code: hostile.to_owned(),
        ..scene.message(id, Channel::Email)
    });
    let page = scene.page().await;
    assert_well_kept(&page);
    assert!(!page.body.contains("<script>alert") && !page.body.contains("<img"));
    assert!(page.body.contains("&lt;script&gt;alert(1)"));

    let refused =
        scene.post("/dev/send", FORM, "to=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&channel=sms").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_well_kept(&refused);
    assert!(!refused.body.contains("<script>alert") && !refused.body.contains("Write it as <b>"));
    assert!(refused.body.contains("value=\"&quot;&gt;&lt;script&gt;"), "what was typed is kept");
}

#[tokio::test]
async fn an_empty_inbox_says_how_to_fill_it() {
    let page = Scene::new().page().await;
    assert_well_kept(&page);
    assert!(page.body.contains("Nothing sent yet."));
    let shown = page.body.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&#x27;", "'");
    assert!(shown.contains(&crate::landing::first_command("http://127.0.0.1:8080")));
}

#[tokio::test]
async fn a_newcomer_sees_the_failover_in_words() {
    let scene = Scene::new();
    let id = scene.verification(
        Status::Pending,
        &[
            ("sms-one", AttemptState::Rejected, "unavailable"),
            ("sms-two", AttemptState::Accepted, "accepted"),
        ],
    );
    scene.inbox.take(scene.message(id, Channel::Sms));
    let page = scene.page().await;
    assert_well_kept(&page);
    assert!(page.body.contains("sms-one refused, sms-two took it, 0.3 s"), "{}", page.body);
    assert!(page.body.contains("1 segment, GSM-7, 53 of 160"));
    assert!(page.body.contains("waiting for a check"));
    assert!(page.body.contains("<mark>482913</mark>"));
}

#[tokio::test]
async fn a_verification_that_nobody_takes_is_not_silent() {
    let scene = Scene::new();
    scene.verification(
        Status::Pending,
        &[
            ("sms-one", AttemptState::Rejected, "unavailable"),
            ("sms-two", AttemptState::Rejected, "out_of_credit"),
            ("sms-one", AttemptState::Rejected, "unavailable"),
        ],
    );
    scene.verification(Status::Expired, &[("mail", AttemptState::Rejected, "unavailable")]);
    let page = scene.page().await;
    assert!(page.body.contains("No message yet"));
    assert!(page.body.contains("sms-one refused twice, sms-two is out of credit"), "{}", page.body);
    assert!(!page.body.contains("mail refused"), "one that ended is no news");
}

#[tokio::test]
async fn each_fate_has_its_words() {
    for (status, lost, words) in [
        (Status::Pending, false, "waiting for a check"),
        (Status::Pending, true, "lost, as asked above"),
        (Status::Approved, false, "approved in 12 s"),
        (Status::Approved, true, "lost, as asked above; the verification: approved in 12 s"),
        (Status::Expired, false, "expired"),
        (Status::Canceled, false, "canceled"),
        (Status::MaxChecksReached, false, "closed, too many wrong codes"),
    ] {
        let scene = Scene::new();
        let id = scene.verification(status, &[]);
        scene.inbox.take(InboxMessage { lost, ..scene.message(id, Channel::Voice) });
        let page = scene.page().await;
        assert!(page.body.contains(&format!("<span>{words}</span>")), "{status} {lost}");
        assert!(!page.body.contains("segment,"), "only a text message has segments");
    }
}

#[tokio::test]
async fn a_filter_shows_one_channel_and_an_unknown_one_shows_all() {
    let scene = Scene::new();
    let id = scene.verification(Status::Pending, &[]);
    scene.inbox.take(scene.message(id, Channel::Sms));
    let count = |page: &Read| page.body.matches("<li class=\"mail").count();
    assert_eq!(count(&get_from(&scene.router, "/dev/inbox?channel=sms").await), 1);
    let none = get_from(&scene.router, "/dev/inbox?channel=email").await;
    assert_eq!(count(&none), 0);
    assert!(none.body.contains("Nothing sent over E-mail yet."));
    assert_eq!(count(&get_from(&scene.router, "/dev/inbox?channel=pigeon").await), 1);
}

#[tokio::test]
async fn a_provider_is_switched_by_form_and_by_json() {
    let scene = Scene::new();
    let form = scene.post("/dev/outage", FORM, "provider=sms-one&mode=refuses").await;
    assert_eq!(
        (form.status, form.headers[header::LOCATION].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/dev/inbox")
    );
    let script = scene
        .post(
            "/dev/outage",
            "application/json; charset=utf-8",
            r#"{"provider":"chat","outage":"out_of_credit"}"#,
        )
        .await;
    assert_eq!(script.status, StatusCode::OK);
    let answer: Value = serde_json::from_str(&script.body).unwrap();
    assert_eq!(answer, json!({ "provider": "chat", "outage": "out_of_credit" }));

    let all = get_from(&scene.router, "/dev/outages.json").await;
    let all: Value = serde_json::from_str(&all.body).unwrap();
    let outages: Vec<_> = all.as_array().unwrap().iter().map(|row| row["outage"].as_str().unwrap()).collect();
    assert_eq!(outages, ["refuses", "works", "works", "out_of_credit", "works"]);
    assert_eq!(all[3]["channels"], json!(["whatsapp", "telegram"]));

    let page = scene.page().await;
    assert_eq!(page.body.matches("aria-pressed=\"true\"").count(), 5);
    assert!(page.body.contains("value=\"refuses\" aria-pressed=\"true\" class=\"is-bad\""));
    assert!(page.body.contains("id=\"rest\" open>"), "what is broken is not folded away");
}

#[tokio::test]
async fn a_switch_of_nothing_or_to_nothing_is_refused_and_changes_nothing() {
    let scene = Scene::new();
    for (kind, body, status, code) in [
        (FORM, "provider=twilio&mode=slow", StatusCode::NOT_FOUND, "not_found"),
        (JSON, r#"{"provider":"twilio","outage":"slow"}"#, StatusCode::NOT_FOUND, "not_found"),
        (FORM, "provider=sms-one&mode=explodes", StatusCode::BAD_REQUEST, "invalid_request"),
        (JSON, r#"{"provider":"sms-one","outage":"<b>"}"#, StatusCode::BAD_REQUEST, "invalid_request"),
        (JSON, r#"{"provider":"sms-one"}"#, StatusCode::BAD_REQUEST, "invalid_request"),
        (JSON, "{", StatusCode::BAD_REQUEST, "invalid_request"),
        (FORM, "provider=sms-one", StatusCode::BAD_REQUEST, "invalid_request"),
        (
            "text/plain",
            r#"{"provider":"sms-one","outage":"slow"}"#,
            StatusCode::BAD_REQUEST,
            "invalid_request",
        ),
    ] {
        let answer = scene.post("/dev/outage", kind, body).await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(problem(&answer)["code"], code, "{body}");
        assert!(
            !answer.body.contains("explodes") && !answer.body.contains("<b>"),
            "the input is not repeated"
        );
    }
    assert_eq!(scene.inbox.version(), 1);
}

#[tokio::test]
async fn a_code_is_sent_from_the_form_and_the_inbox_is_cleared() {
    let scene = Scene::new();
    let sent = scene.post("/dev/send", FORM, "to=%2B14155550123&channel=sms").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    scene.post("/dev/send", FORM, "to=+%2B14155550124+&channel=").await;
    let started = scene.desk.started.lock().clone();
    assert_eq!(
        started,
        [("+14155550123".to_owned(), Some("sms".to_owned())), ("+14155550124".to_owned(), None)]
    );
    let refused = scene.post("/dev/send", JSON, r#"{"to":"x"}"#).await;
    assert_eq!(
        (refused.status, problem(&refused)["code"].clone()),
        (StatusCode::BAD_REQUEST, json!("invalid_request"))
    );

    let id = scene.verification(Status::Pending, &[]);
    scene.inbox.take(scene.message(id, Channel::Sms));
    assert_eq!(scene.post("/dev/clear", FORM, "").await.status, StatusCode::SEE_OTHER);
    assert!(scene.inbox.messages(10).is_empty());
}

#[tokio::test]
async fn nothing_changes_by_a_get() {
    let scene = Scene::new();
    for path in ["/dev/outage", "/dev/clear", "/dev/send"] {
        assert_eq!(get_from(&scene.router, path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn the_story_of_a_verification_is_one_link_away() {
    let scene = Scene::new();
    let id = scene.verification(Status::Approved, &[("sms-one", AttemptState::Accepted, "accepted")]);
    let answer = get_from(&scene.router, &format!("/dev/verifications/{id}")).await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&body["status"], &body["attempts"][0]["provider"]), (&json!("approved"), &json!("sms-one")));
    for unknown in ["nonsense", &VerificationId::new(NOW, &SeededRandom::new(99)).to_string()] {
        let answer = get_from(&scene.router, &format!("/dev/verifications/{unknown}")).await;
        assert_eq!(
            (answer.status, problem(&answer)["code"].clone()),
            (StatusCode::NOT_FOUND, json!("not_found"))
        );
    }
}

/// Reads the next events of a stream, until one is about `region`.
async fn next_about(body: &mut Body, region: &str) -> Value {
    loop {
        let frame = body.frame().await.expect("the stream goes on").unwrap();
        let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
        let data: Value = serde_json::from_str(data).unwrap();
        assert_well_behaved(data["html"].as_str().unwrap());
        if data["region"] == region {
            return data;
        }
    }
}

#[tokio::test]
async fn a_page_that_watches_sees_a_message_a_switch_and_a_check() {
    let scene = Scene::new();
    let request = Request::get("/dev/inbox/events").body(Body::empty()).unwrap();
    let response = scene.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut body = response.into_body();
    let first = next_about(&mut body, "messages").await;
    assert!(first["html"].as_str().unwrap().contains("Nothing sent yet"));

    let id = scene.verification(Status::Pending, &[("sms-two", AttemptState::Accepted, "accepted")]);
    scene.inbox.take(scene.message(id, Channel::Sms));
    let second = next_about(&mut body, "messages").await;
    assert!(second["html"].as_str().unwrap().contains("waiting for a check"));
    assert!(second["version"].as_u64() > first["version"].as_u64());

    scene.inbox.switch("sms-one", Outage::Hangs);
    assert!(next_about(&mut body, "switches").await["html"].as_str().unwrap().contains("is-bad"));

    scene.desk.fates.lock().get_mut(&id).unwrap().status = Status::Expired;
    let third = next_about(&mut body, "messages").await;
    assert!(third["html"].as_str().unwrap().contains("<span>expired</span>"), "no message speaks of a check");

    scene.desk.closed.notify_one();
    while let Some(frame) = body.frame().await {
        frame.unwrap();
    }
}

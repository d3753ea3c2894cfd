//! The real router and the real engine over a store that is down: everything up to the store runs as it will.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{Router, body::Body};
use backstop_domain::{
    application::{Application, ApplicationId, Authority, CodePolicy},
    audit::{Checkpoint, Head, NewRecord, Record, SealedDetail},
    breaker::BreakerSettings,
    channel::Channel,
    clock::{ManualClock, Timestamp},
    delivery::{Delivery, DeliveryState, Lease},
    factor::failures::Failures,
    id::{ApiKeyId, DeliveryId, NodeId, NoticeId, UserId, VerificationId},
    keyring::{KeyUse, Keyring, Kid, LookupHash, RootKey, generate},
    limit::Limits,
    notice::{Line, NewNotice},
    outcome::Outcome,
    ports::{
        BoxFuture, Clock as _, Provider, StoreError, Tasks,
        provider::{Checkup, Message, Sent},
        random::SeededRandom,
        store::{
            ApiKey, Applications, AttemptResult, Audit, Begun, Canceled, Checked, Conclusion, Deliveries,
            DeliveryTask, DueNotice, Keys, NewAttempt, NewDelivery, NewReceipt, NewVerification, NodeReport,
            Nodes, Noted, Notices, Once, Opened, ProviderSwitch, Redeemed, Resent, Routing, Settled,
            Standing, SubmittedCheck, Usage, VerificationFilter, VerificationView, Verifications, WrappedKey,
        },
    },
    price::PriceList,
    purpose::Purpose,
    ranking::Observation,
    receipt::InboundWord,
    recipient::Region,
    sign_in::SignInPolicy,
    spend::SpendBook,
    template::Templates,
};
use backstop_engine::{
    Credential, Engine, Parts,
    access::Grant,
    deliver::{Money, ProviderSettings},
};
use http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;

use crate::{Compat, Doors, FleetflowSurface, Peer, Profile, SmartfinSurface};

mod home;
mod operators;
mod people;

pub(super) use home::{Home, PASSWORD, Person};

/// A store that is down, but for the people whom it may know.
#[derive(Default)]
struct Down {
    people: Option<people::Register>,
}

type Stored<T> = Result<T, StoreError>;

fn down<T>() -> Stored<T> {
    Err(StoreError::Unavailable("down for the test".into()))
}

#[async_trait]
impl Verifications for Down {
    async fn open(&self, _: NewVerification) -> Stored<Once<Opened>> {
        down()
    }
    async fn resend(&self, _: NewDelivery) -> Stored<Once<Resent>> {
        down()
    }
    async fn check(&self, _: SubmittedCheck) -> Stored<Once<Checked>> {
        down()
    }
    async fn conclude(&self, _: Conclusion) -> Stored<Once<Checked>> {
        down()
    }
    async fn cancel(&self, _: ApplicationId, _: VerificationId, _: Timestamp) -> Stored<Canceled> {
        down()
    }
    async fn redeem(
        &self,
        _: ApplicationId,
        _: VerificationId,
        _: Option<Purpose>,
        _: Timestamp,
    ) -> Stored<Redeemed> {
        down()
    }
    async fn get(&self, _: ApplicationId, _: VerificationId) -> Stored<Option<VerificationView>> {
        down()
    }
    async fn list(&self, _: ApplicationId, _: VerificationFilter) -> Stored<Vec<VerificationView>> {
        down()
    }
    async fn expire(&self, _: Timestamp) -> Stored<u64> {
        down()
    }
    async fn forget(&self, _: Timestamp, _: Timestamp) -> Stored<u64> {
        down()
    }
}

#[async_trait]
impl Nodes for Down {
    fn is_shared(&self) -> bool {
        true
    }
    async fn report(&self, _: NodeReport) -> Stored<Vec<NodeReport>> {
        down()
    }
    async fn probe(&self, _: Timestamp) -> Stored<()> {
        down()
    }
}

#[async_trait]
impl Deliveries for Down {
    async fn task(
        &self,
        _: ApplicationId,
        _: VerificationId,
        _: DeliveryId,
        _: NodeId,
    ) -> Stored<Option<DeliveryTask>> {
        down()
    }
    async fn begin_attempt(&self, _: NewAttempt) -> Stored<Begun> {
        down()
    }
    async fn finish_attempt(&self, _: AttemptResult) -> Stored<()> {
        down()
    }
    async fn note(&self, _: NewReceipt) -> Stored<Noted> {
        down()
    }
    async fn heed(&self, _: LookupHash, _: Channel, _: InboundWord, _: Timestamp) -> Stored<()> {
        down()
    }
    async fn finish(&self, _: &Delivery, _: DeliveryState, _: NodeId, _: Timestamp) -> Stored<()> {
        down()
    }
    async fn renew(
        &self,
        _: Vec<(ApplicationId, VerificationId, DeliveryId)>,
        _: Lease,
    ) -> Stored<Vec<DeliveryId>> {
        down()
    }
    async fn recover(&self, _: Lease, _: Timestamp, _: u32) -> Stored<Vec<DeliveryTask>> {
        down()
    }
    async fn release(&self, _: NodeId, _: Timestamp) -> Stored<()> {
        down()
    }
}

#[async_trait]
impl Notices for Down {
    async fn post_notices(&self, _: Vec<NewNotice>) -> Stored<()> {
        down()
    }
    async fn due_notices(&self, _: Line, _: Lease, _: Timestamp, _: u32) -> Stored<Vec<DueNotice>> {
        down()
    }
    async fn settle_notice(
        &self,
        _: ApplicationId,
        _: NoticeId,
        _: NodeId,
        _: Settled,
        _: Timestamp,
    ) -> Stored<bool> {
        down()
    }
    async fn forget_notices(&self, _: Timestamp) -> Stored<u64> {
        down()
    }
}

#[async_trait]
impl Routing for Down {
    async fn observe(&self, _: Vec<Observation>, _: Timestamp, _: Timestamp) -> Stored<Vec<Observation>> {
        down()
    }
    async fn spending(&self, _: Timestamp) -> Stored<Vec<(String, SpendBook)>> {
        down()
    }
    async fn switches(&self) -> Stored<Vec<ProviderSwitch>> {
        down()
    }
    async fn switch(&self, _: ProviderSwitch, _: NewRecord) -> Stored<()> {
        down()
    }
    async fn usage(&self, _: Timestamp, _: Timestamp) -> Stored<Vec<Usage>> {
        down()
    }
    async fn standings(&self, _: Timestamp, _: Timestamp) -> Stored<Vec<Standing>> {
        down()
    }
}

#[async_trait]
impl Applications for Down {
    async fn application(&self, _: &str, _: Timestamp) -> Stored<ApplicationId> {
        down()
    }
    async fn add_key(&self, _: ApiKey, _: NewRecord) -> Stored<()> {
        down()
    }
    async fn keys(&self) -> Stored<Vec<ApiKey>> {
        down()
    }
    async fn revoke_key(&self, _: ApiKeyId, _: NewRecord, _: Timestamp) -> Stored<bool> {
        down()
    }
}

#[async_trait]
impl Keys for Down {
    async fn root_fingerprint(&self) -> Stored<Option<String>> {
        down()
    }
    async fn initialize(&self, _: &str, _: Vec<WrappedKey>) -> Stored<bool> {
        down()
    }
    async fn ring(&self) -> Stored<Vec<WrappedKey>> {
        down()
    }
    async fn add_ring_keys(&self, _: Vec<WrappedKey>, _: NewRecord) -> Stored<()> {
        down()
    }
}

#[async_trait]
impl Audit for Down {
    async fn record(&self, _: Vec<NewRecord>) -> Stored<()> {
        down()
    }
    async fn audit_head(&self) -> Stored<Head> {
        down()
    }
    async fn audit_page(&self, _: u64, _: u32) -> Stored<Vec<Record>> {
        down()
    }
    async fn audit_details(&self, _: u64, _: u64) -> Stored<Vec<SealedDetail>> {
        down()
    }
    async fn failures(&self, _: ApplicationId, _: (Timestamp, Timestamp), _: u64) -> Stored<Failures> {
        down()
    }
    async fn emergency_uses(&self, _: Timestamp) -> Stored<Vec<Record>> {
        down()
    }
    async fn checkpoint(&self, _: Checkpoint) -> Stored<()> {
        down()
    }
    async fn checkpoints(&self, _: u64, _: u32) -> Stored<Vec<Checkpoint>> {
        down()
    }
    async fn last_checkpoint(&self) -> Stored<Option<Checkpoint>> {
        down()
    }
    async fn erase_audit_details(&self, _: UserId) -> Stored<u64> {
        down()
    }
}

/// A vendor that nothing ever reaches: without a store nothing is sent.
struct Unreached;

#[async_trait]
impl Provider for Unreached {
    async fn send(&self, _: &Message) -> Sent {
        Sent::new(Outcome::Unknown, "")
    }
    async fn check_up(&self) -> Checkup {
        Checkup { well: true, finding: String::new(), fix: None }
    }
}

struct NoTasks;

impl Tasks for NoTasks {
    fn spawn(&self, _: BoxFuture<'static, ()>) {}
    fn compute(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

pub(super) const SECRET: &str = "Bearer sk_shop";
pub(super) const PUBLIC: &str = "Bearer pk_shop";
pub(super) const PAGE: &str = "https://shop.example";
pub(super) const SOMEBODY: &str = "/v1/verifications/ver_000000000000000000000000000000000000";

/// A path with ids in its places, which name nobody and nothing.
pub(super) fn filled(path: &str) -> String {
    let nothing = "0".repeat(36);
    let user = path.starts_with("/v1/users/");
    path.replace("{id}", &format!("{}_{nothing}", if user { "usr" } else { "ver" }))
        .replace("{device}", &format!("dev_{nothing}"))
        .replace("{session}", &format!("ses_{nothing}"))
        .replace("{credential}", "AAECAwQFBgcICQoLDA0ODw")
}

fn application(id: i64, name: &str) -> Application {
    Application {
        id: ApplicationId(id),
        name: name.into(),
        brand: "Shop".into(),
        codes: CodePolicy::default(),
        limits: Limits::default(),
        ladder: vec![Channel::Sms],
        floors: [("transaction".parse().unwrap(), Channel::Sms)].into(),
        default_floor: Channel::Email,
        default_region: None,
        countries: Some(vec![Region::parse("US").unwrap()]),
        origins: vec![PAGE.into()],
        public_purposes: vec![Purpose::login()],
        public_channels: None,
        native_apps: false,
        providers: None,
        templates: Templates::default(),
        sign_in: SignInPolicy { sms_backup: name == "shop", ..SignInPolicy::default() },
    }
}

fn engine(clock: Arc<ManualClock>, store: Down) -> Arc<Engine> {
    let random = Arc::new(SeededRandom::new(7));
    let now = clock.now();
    let keys =
        KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(random.as_ref())));
    let keyring = Keyring::new(keys).unwrap();
    let provider = |name: &str, channels| ProviderSettings {
        name: name.into(),
        kind: "unreached".into(),
        channels,
        provider: Arc::new(Unreached),
        breaker: BreakerSettings::default(),
        timeout: Duration::from_secs(10),
        pace: Vec::new(),
        price: PriceList::default(),
        money: Money::default(),
        texts_india: true,
    };
    let engine = Engine::new(Parts {
        clock,
        node: NodeId::new(now, random.as_ref()),
        random,
        store: Arc::new(store),
        tasks: Arc::new(NoTasks),
        witness: None,
        keyring,
        root: RootKey::new([7; 32]),
        applications: vec![application(1, "shop"), application(2, "other")],
        providers: vec![provider("texts", vec![Channel::Sms]), provider("mail", vec![Channel::Email])],
        escalate_after: std::collections::BTreeMap::new(),
        lost_person: None,
        rules: Vec::new(),
        notices: backstop_engine::notify::NoticeSettings::default(),
        public_url: Some("https://verify.shop.example".into()),
        emergency: None,
        hedge_after: Duration::from_secs(2),
        retention: Duration::from_secs(90 * 86_400),
    });
    for name in ["shop", "other"] {
        let application = engine.application(name).unwrap();
        for (kind, authority) in [("sk", Authority::Secret), ("pk", Authority::Public)] {
            let grant = Grant { application: application.clone(), authority, key: None };
            engine.access().admit(Credential::of(&format!("{kind}_{name}")), grant);
        }
    }
    engine
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)))
}

/// Everything on, as in production, over a store that is down.
pub(super) fn doors() -> Doors {
    before(engine(clock(), Down::default()))
}

/// The same with a register of people: nobody yet.
pub(super) fn inhabited() -> (Doors, Arc<ManualClock>) {
    let clock = clock();
    let store = Down { people: Some(people::Register::default()) };
    (before(engine(clock.clone(), store)), clock)
}

fn before(engine: Arc<Engine>) -> Doors {
    Doors {
        engine,
        profile: Profile::Production,
        public_url: "https://verify.shop.example".into(),
        trusted_proxies: Vec::new(),
        compat: Compat {
            async_otp: Some("shop".into()),
            fleetflow: Some(FleetflowSurface {
                application: "shop".into(),
                answer_after: Duration::from_secs(2),
                support_phone: None,
            }),
            smartfin: Some(SmartfinSurface { application: "shop".into(), loose_purpose: false }),
        },
        dev: None,
        ready: Arc::new(|| true),
    }
}

/// An answer, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Status and code, as in `403 needs_secret_key`.
    pub(super) fn in_short(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.json()["code"].as_str().unwrap_or("-"))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Asks the router, as a caller from another machine would.
pub(super) async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let mut request = request;
    if request.extensions().get::<Peer>().is_none() {
        request.extensions_mut().insert(Peer(SocketAddr::from(([198, 51, 100, 7], 4711))));
    }
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// A request with these headers; a body makes it JSON.
pub(super) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

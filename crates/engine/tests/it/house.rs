//! A house for engines: a store, a clock, vendors. Several engines in it are several nodes of one installation.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use backstop_domain::{
    application::{Application, Authority, CodePolicy},
    audit::NewRecord,
    breaker::{BreakerSettings, BreakerState},
    channel::Channel,
    clock::{Clock, ManualClock, Timestamp},
    delivery::Delivery,
    emergency::Emergency,
    id::{NodeId, VerificationId},
    keyring::{KeyUse, Keyring, Kid, RootKey, generate},
    limit::{Limits, Pace},
    outcome::{Outcome, Reason},
    ports::{
        Provider, StoreError, Tasks,
        provider::{Checkup, Message, Sent},
        random::SeededRandom,
        store::{
            Applications, Keys, NODE_IS_GONE_AFTER, NodeReport, VerificationFilter, VerificationView,
            Verifications, WrappedKey,
        },
    },
    price::PriceList,
    purpose::Purpose,
    recipient::Recipient,
    template::Templates,
};
use backstop_engine::{
    Caller, Credential, Engine, Parts,
    deliver::{Money, ProviderSettings},
    notify::NoticeSettings,
    verify::StartRequest,
};
use backstop_store::SqliteStore;
use futures::executor::block_on;

use crate::{
    checkers::Verify,
    hooked::{Hooked, Hooks},
    simulation::executor::{Executor, SimulatedTasks},
};

pub(crate) const ASHA: &str = "+919876543210";

/// How long verifications are kept.
pub(crate) const RETENTION: Duration = Duration::from_secs(90 * 86_400);

/// Takes messages after a while, or refuses them.
struct Vendor {
    name: &'static str,
    delay: Duration,
    refuses: Arc<AtomicBool>,
    refusal: Arc<Mutex<Outcome>>,
    sent: Arc<Mutex<Vec<&'static str>>>,
    tasks: Arc<SimulatedTasks>,
}

#[async_trait]
impl Provider for Vendor {
    async fn send(&self, _: &Message) -> Sent {
        self.sent.lock().unwrap().push(self.name);
        self.tasks.sleep(self.delay).await;
        let taken = Outcome::Accepted { vendor_id: None };
        let refused = self.refuses.load(Ordering::SeqCst);
        let refusal = self.refusal.lock().unwrap().clone();
        Sent::new(if refused { refusal } else { taken }, "said")
    }

    async fn check_up(&self) -> Checkup {
        Checkup { well: true, finding: "there".into(), fix: None }
    }
}

/// The clock of all nodes, which may say that it has drifted.
pub(crate) struct HouseClock {
    pub(crate) manual: Arc<ManualClock>,
    pub(crate) drifted: AtomicBool,
}

impl Clock for HouseClock {
    fn now(&self) -> Timestamp {
        self.manual.now()
    }

    fn is_reliable(&self) -> bool {
        !self.drifted.load(Ordering::SeqCst)
    }
}

/// What surrounds the store: the table of reports, and what can be wrong.
#[derive(Default)]
pub(crate) struct Surroundings {
    reports: Mutex<BTreeMap<NodeId, NodeReport>>,
    taken_over: Mutex<BTreeMap<NodeId, usize>>,
    /// No report is written or read.
    pub(crate) mute: AtomicBool,
    /// No act is taken.
    pub(crate) full: AtomicBool,
    /// What became of a notice cannot be written down.
    pub(crate) forgetful: AtomicBool,
}

impl Surroundings {
    pub(crate) fn reports(&self) -> Vec<NodeReport> {
        self.reports.lock().unwrap().values().cloned().collect()
    }

    /// How many deliveries a node has taken over.
    pub(crate) fn taken_over_by(&self, node: NodeId) -> usize {
        self.taken_over.lock().unwrap().get(&node).copied().unwrap_or_default()
    }

    /// A node of which nothing is known but what it says.
    pub(crate) fn say(&self, report: NodeReport) {
        self.reports.lock().unwrap().insert(report.node, report);
    }
}

impl Hooks for Arc<Surroundings> {
    fn is_shared(&self) -> bool {
        true
    }

    fn before_write(&self) -> Result<(), StoreError> {
        let full = self.full.load(Ordering::SeqCst);
        if full { Err(StoreError::Unavailable("full".into())) } else { Ok(()) }
    }

    fn before_settling(&self) -> Result<(), StoreError> {
        let forgets = self.forgetful.load(Ordering::SeqCst);
        if forgets { Err(StoreError::Unavailable("forgetful".into())) } else { Ok(()) }
    }

    fn recovered(&self, by: NodeId, deliveries: usize) {
        *self.taken_over.lock().unwrap().entry(by).or_default() += deliveries;
    }

    fn report(&self, own: NodeReport) -> Result<Vec<NodeReport>, StoreError> {
        if self.mute.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("mute".into()));
        }
        let now = own.seen_at;
        self.say(own.clone());
        let runs =
            |report: &NodeReport| report.node != own.node && now.since(report.seen_at) < NODE_IS_GONE_AFTER;
        Ok(self.reports().into_iter().filter(runs).collect())
    }
}

/// A store, a clock and what vendors saw: what outlives a process.
pub(crate) struct House {
    pub(crate) clock: Arc<HouseClock>,
    pub(crate) chance: Arc<SeededRandom>,
    pub(crate) executor: Executor,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) around: Arc<Surroundings>,
    pub(crate) delay: Duration,
    pub(crate) refuses: Arc<AtomicBool>,
    /// How vendors refuse.
    pub(crate) refusal: Arc<Mutex<Outcome>>,
    pub(crate) ladder: Vec<Channel>,
    pub(crate) pace: Vec<Pace>,
    /// A provider that makes its own codes, and its place among the others.
    pub(crate) verify: Option<(usize, Arc<Verify>)>,
    /// Providers of mail.
    pub(crate) mailers: Vec<(&'static str, Arc<dyn Provider>)>,
    /// Who is told of security events.
    pub(crate) notices: NoticeSettings,
    /// How pages reach us.
    pub(crate) public_url: Option<String>,
    /// The key that opens when nothing else does.
    pub(crate) emergency: Option<Emergency>,
    sent: Arc<Mutex<Vec<&'static str>>>,
    root: RootKey,
}

impl House {
    pub(crate) fn new(seed: u64) -> Self {
        let chance = Arc::new(SeededRandom::new(seed));
        let manual = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let house = Self {
            executor: Executor::new(manual.clone(), chance.clone()),
            store: Arc::new(SqliteStore::inline_in_memory(manual.now()).unwrap()),
            around: Arc::default(),
            sent: Arc::default(),
            delay: Duration::ZERO,
            refuses: Arc::default(),
            refusal: Arc::new(Mutex::new(Outcome::rejected(Reason::Unavailable))),
            ladder: vec![Channel::Sms, Channel::Whatsapp],
            pace: vec![],
            verify: None,
            mailers: Vec::new(),
            notices: NoticeSettings::default(),
            public_url: None,
            emergency: None,
            clock: Arc::new(HouseClock { manual, drifted: AtomicBool::new(false) }),
            chance,
            root: RootKey::new([7; 32]),
        };
        for (key_use, kid) in KeyUse::ALL.into_iter().zip(1..) {
            house.add_ring_key(Kid(kid), key_use);
        }
        house
    }

    /// The record of something.
    pub(crate) fn record(&self) -> NewRecord {
        NewRecord { at: self.clock.now(), body: "{}".into(), detail: None }
    }

    pub(crate) fn add_ring_key(&self, kid: Kid, key_use: KeyUse) {
        let key = generate(self.chance.as_ref());
        let wrapped = self.root.wrap(kid, key_use, &key, self.chance.as_ref());
        let entry = WrappedKey { kid, key_use, wrapped, created_at: self.clock.now() };
        block_on(self.store.add_ring_keys(vec![entry], self.record())).unwrap();
    }

    pub(crate) fn application(&self, name: &str) -> Application {
        Application {
            id: block_on(self.store.application(name, self.clock.now())).unwrap(),
            name: name.into(),
            brand: "Acme".into(),
            codes: CodePolicy::default(),
            limits: Limits::default(),
            ladder: self.ladder.clone(),
            floors: BTreeMap::new(),
            default_floor: Channel::Email,
            default_region: None,
            countries: None,
            origins: vec![],
            public_purposes: vec![],
            public_channels: None,
            native_apps: false,
            providers: None,
            templates: Templates::default(),
            sign_in: Default::default(),
        }
    }

    /// A process, which runs when time passes.
    pub(crate) fn process(&self, application: &str) -> Arc<Engine> {
        self.process_on(&self.executor, application)
    }

    /// A process on an executor of its own, which runs when that one is stepped.
    pub(crate) fn process_on(&self, executor: &Executor, application: &str) -> Arc<Engine> {
        let tasks = executor.tasks();
        let provider = |name, channel, delay| ProviderSettings {
            name: String::from(name),
            kind: "scripted".into(),
            channels: vec![channel],
            provider: Arc::new(Vendor {
                name,
                delay,
                refuses: self.refuses.clone(),
                refusal: self.refusal.clone(),
                sent: self.sent.clone(),
                tasks: tasks.clone(),
            }),
            breaker: BreakerSettings::default(),
            timeout: Duration::from_secs(10),
            pace: self.pace.clone(),
            price: PriceList::default(),
            money: Money::default(),
            texts_india: true,
        };
        let mut providers = vec![
            provider("text", Channel::Sms, self.delay),
            provider("chat", Channel::Whatsapp, Duration::ZERO),
            provider("mail", Channel::Email, Duration::ZERO),
        ];
        if let Some((place, verify)) = &self.verify {
            providers.insert(
                *place,
                ProviderSettings {
                    channels: vec![Channel::Sms, Channel::Voice],
                    provider: verify.clone(),
                    ..provider("verify", Channel::Sms, Duration::ZERO)
                },
            );
        }
        providers.extend(self.mailers.iter().map(|(name, mailer)| ProviderSettings {
            provider: mailer.clone(),
            ..provider(*name, Channel::Email, Duration::ZERO)
        }));
        let engine = Engine::new(Parts {
            clock: self.clock.clone(),
            random: self.chance.clone(),
            store: Arc::new(Hooked { inner: self.store.clone(), hooks: self.around.clone() }),
            tasks: tasks.clone(),
            witness: None,
            keyring: self.ring(),
            root: self.root.clone(),
            applications: vec![self.application(application)],
            providers,
            hedge_after: Duration::from_secs(2),
            escalate_after: std::collections::BTreeMap::new(),
            lost_person: None,
            rules: Vec::new(),
            notices: self.notices.clone(),
            public_url: self.public_url.clone(),
            emergency: self.emergency.clone(),
            retention: RETENTION,
            node: NodeId::new(self.clock.now(), self.chance.as_ref()),
        });
        engine.run();
        engine
    }

    pub(crate) fn another_executor(&self) -> Executor {
        Executor::new(self.clock.manual.clone(), self.chance.clone())
    }

    /// Lets `span` pass.
    pub(crate) fn pass(&mut self, span: Duration) {
        let clock = self.clock.clone();
        pass(&mut self.executor, &clock, span);
    }

    /// Starts one for each, all at once, and lets a tenth of a second pass.
    pub(crate) fn start(&mut self, engine: &Arc<Engine>, to: &[&str]) -> Vec<VerificationId> {
        let started: Arc<Mutex<Vec<VerificationId>>> = Arc::default();
        for to in to {
            let (engine, started, to) = (engine.clone(), started.clone(), String::from(*to));
            self.executor.tasks().spawn(Box::pin(async move {
                let answer = engine.start(&caller(&engine), request(&to), None).await.unwrap();
                started.lock().unwrap().push(answer.verification.id);
            }));
        }
        self.pass(Duration::from_millis(100));
        started.lock().unwrap().clone()
    }

    /// The keys, as a test looks at them.
    pub(crate) fn ring(&self) -> Keyring {
        self.root.open_ring(&block_on(self.store.ring()).unwrap()).unwrap()
    }

    pub(crate) fn view(&self, id: VerificationId) -> Option<VerificationView> {
        block_on(self.store.get(self.application("shop").id, id)).unwrap()
    }

    pub(crate) fn all(&self) -> Vec<VerificationView> {
        let filter =
            VerificationFilter { limit: 10_000, now: self.clock.now(), ..VerificationFilter::default() };
        block_on(self.store.list(self.application("shop").id, filter)).unwrap()
    }

    pub(crate) fn delivery(&self, id: VerificationId) -> Delivery {
        self.view(id).unwrap().deliveries.remove(0)
    }

    pub(crate) fn sent(&self) -> Vec<&'static str> {
        self.sent.lock().unwrap().clone()
    }
}

/// Lets `span` pass for the processes on one executor.
pub(crate) fn pass(executor: &mut Executor, clock: &HouseClock, span: Duration) {
    let end = clock.now() + span;
    while clock.now() < end {
        executor.step(end);
    }
}

/// The breaker of a provider at a node.
pub(crate) fn breaker(engine: &Engine, provider: &str) -> BreakerState {
    let health = engine.routes().health(engine.now());
    health.into_iter().find(|health| health.name == provider).unwrap().breaker
}

pub(crate) fn request(to: &str) -> StartRequest {
    StartRequest::new(Recipient::parse(to, None).unwrap(), Purpose::login())
}

pub(crate) fn caller(engine: &Engine) -> Caller {
    Caller {
        application: engine.applications().next().unwrap().clone(),
        authority: Authority::Secret,
        credential: Credential::of("sk_shop_0123456789"),
        network: None,
        origin: None,
        surface: None,
    }
}

//! Deliveries when something around them changes: the clock steps, the verification ends, the application goes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use backstop_domain::{
    application::{Application, Authority, CodePolicy},
    attempt::AttemptState,
    breaker::BreakerSettings,
    channel::Channel,
    clock::{Clock, ManualClock, Timestamp},
    delivery::{Delivery, DeliveryState},
    id::{NodeId, VerificationId},
    keyring::{KeyUse, Keyring, Kid, generate},
    limit::Limits,
    outcome::{Outcome, Reason},
    ports::{
        Provider, Tasks,
        provider::{Checkup, Message, Sent},
        random::SeededRandom,
        store::{Applications, VerificationView, Verifications},
    },
    price::PriceList,
    purpose::Purpose,
    recipient::Recipient,
    template::Templates,
};
use backstop_engine::{Caller, Credential, Engine, Parts, deliver::ProviderSettings, verify::StartRequest};
use backstop_store::SqliteStore;
use futures::executor::block_on;

use crate::simulation::executor::{Executor, SimulatedTasks};

/// Takes messages after a while, or refuses them.
struct Vendor {
    name: &'static str,
    delay: Duration,
    refuses: bool,
    sent: Arc<Mutex<Vec<&'static str>>>,
    tasks: Arc<SimulatedTasks>,
}

#[async_trait]
impl Provider for Vendor {
    async fn send(&self, _: &Message) -> Sent {
        self.sent.lock().unwrap().push(self.name);
        self.tasks.sleep(self.delay).await;
        let taken = Outcome::Accepted { vendor_id: None };
        Sent::new(if self.refuses { Outcome::rejected(Reason::Unavailable) } else { taken }, "said")
    }

    async fn check_up(&self) -> Checkup {
        Checkup { well: true, finding: "there".into(), fix: None }
    }
}

/// A store, a clock and what vendors saw: what outlives a process.
struct House {
    clock: Arc<ManualClock>,
    chance: Arc<SeededRandom>,
    executor: Executor,
    store: Arc<SqliteStore>,
    ring: Keyring,
    sent: Arc<Mutex<Vec<&'static str>>>,
    delay: Duration,
    refuses: bool,
    pace: Vec<(u32, Duration)>,
}

impl House {
    fn new(seed: u64) -> Self {
        let chance = Arc::new(SeededRandom::new(seed));
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let keys = KeyUse::ALL.into_iter().zip(1..);
        let keys = keys.map(|(key_use, kid)| (Kid(kid), key_use, generate(chance.as_ref())));
        Self {
            executor: Executor::new(clock.clone(), chance.clone()),
            store: Arc::new(SqliteStore::inline_in_memory(clock.now()).unwrap()),
            ring: Keyring::new(keys).unwrap(),
            sent: Arc::default(),
            delay: Duration::ZERO,
            refuses: false,
            pace: vec![],
            clock,
            chance,
        }
    }

    fn application(&self, name: &str) -> Application {
        Application {
            id: block_on(self.store.application(name, self.clock.now())).unwrap(),
            name: name.into(),
            brand: "Acme".into(),
            codes: CodePolicy::default(),
            limits: Limits::default(),
            ladder: vec![Channel::Sms, Channel::Whatsapp],
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
        }
    }

    fn process(&self, application: &str) -> Arc<Engine> {
        let tasks = self.executor.tasks();
        let provider = |name, channel, delay| ProviderSettings {
            name: String::from(name),
            kind: "scripted".into(),
            channels: vec![channel],
            provider: Arc::new(Vendor {
                name,
                delay,
                refuses: self.refuses,
                sent: self.sent.clone(),
                tasks: tasks.clone(),
            }),
            breaker: BreakerSettings::default(),
            timeout: Duration::from_secs(10),
            pace: self.pace.clone(),
            price: PriceList::default(),
        };
        let engine = Engine::new(Parts {
            clock: self.clock.clone(),
            random: self.chance.clone(),
            store: self.store.clone(),
            tasks: tasks.clone(),
            keyring: self.ring.clone(),
            applications: vec![self.application(application)],
            providers: vec![
                provider("text", Channel::Sms, self.delay),
                provider("chat", Channel::Whatsapp, Duration::ZERO),
            ],
            hedge_after: Duration::from_secs(2),
            node: NodeId::new(self.clock.now(), self.chance.as_ref()),
        });
        engine.run();
        engine
    }

    /// Lets `span` pass.
    fn pass(&mut self, span: Duration) {
        let end = self.clock.now() + span;
        while self.clock.now() < end {
            self.executor.step(end);
        }
    }

    /// Starts one for each, all at once, and lets a tenth of a second pass.
    fn start(&mut self, engine: &Arc<Engine>, to: &[&str]) -> Vec<VerificationId> {
        let started: Arc<Mutex<Vec<VerificationId>>> = Arc::default();
        for to in to {
            let (engine, started) = (engine.clone(), started.clone());
            let request = StartRequest::new(Recipient::parse(to, None).unwrap(), Purpose::login());
            self.executor.tasks().spawn(Box::pin(async move {
                let answer = engine.start(&caller(&engine), request, None).await.unwrap();
                started.lock().unwrap().push(answer.verification.id);
            }));
        }
        self.pass(Duration::from_millis(100));
        started.lock().unwrap().clone()
    }

    fn view(&self, id: VerificationId) -> VerificationView {
        block_on(self.store.get(self.application("shop").id, id)).unwrap().unwrap()
    }

    fn delivery(&self, id: VerificationId) -> Delivery {
        self.view(id).deliveries.remove(0)
    }

    fn sent(&self) -> Vec<&'static str> {
        self.sent.lock().unwrap().clone()
    }
}

fn caller(engine: &Engine) -> Caller {
    Caller {
        application: engine.applications().next().unwrap().clone(),
        authority: Authority::Secret,
        credential: Credential::of("sk_shop_0123456789"),
        network: None,
        origin: None,
        surface: None,
    }
}

const ASHA: &str = "+919876543210";

#[test]
fn a_clock_that_steps_past_the_lease_of_a_living_worker_sends_nothing_a_second_time() {
    for seed in 0..20 {
        let mut house = House::new(seed);
        house.delay = Duration::from_secs(5);
        let engine = house.process("shop");
        let id = house.start(&engine, &[ASHA])[0];
        assert_eq!(house.sent(), ["text"]);
        house.clock.advance(Duration::from_secs(60));
        house.pass(Duration::from_secs(30));
        assert_eq!(house.sent(), ["text"], "seed {seed}");
        assert_eq!((house.delivery(id).state, house.delivery(id).lease), (DeliveryState::Sent, None));
    }
}

#[test]
fn the_attempt_that_is_written_with_a_start_is_sent_once_and_after_a_crash_not_at_all() {
    for (crash, expected) in [(false, ["text"]), (true, ["chat"])] {
        let mut house = House::new(1);
        let engine = house.process("shop");
        let request = StartRequest::new(Recipient::parse(ASHA, None).unwrap(), Purpose::login());
        let id = block_on(engine.start(&caller(&engine), request, None)).unwrap().verification.id;
        let attempts = house.view(id).attempts;
        let written: Vec<_> = attempts.iter().map(|one| (one.provider.as_str(), one.state)).collect();
        assert_eq!(written, [("text", AttemptState::Sending)], "in the rows before anything has left");
        assert_eq!(house.sent(), [""; 0]);
        if crash {
            house.executor.crash();
            drop(engine);
            let _next = house.process("shop");
            house.pass(Duration::from_secs(90));
            assert_eq!(house.view(id).attempts[0].state, AttemptState::Unknown);
        } else {
            house.pass(Duration::from_secs(90));
        }
        assert_eq!(house.sent(), expected);
        assert_eq!(house.delivery(id).state, DeliveryState::Sent);
    }
}

#[test]
fn the_pace_of_a_provider_holds_for_deliveries_that_come_together() {
    for seed in 0..20 {
        let mut house = House::new(seed);
        house.pace = vec![(2, Duration::from_secs(60))];
        let engine = house.process("shop");
        let people = [ASHA, "+919876543211", "+919876543212", "+919876543213", "+919876543214"];
        house.start(&engine, &people);
        let count = |name| house.sent().iter().filter(|sent| **sent == name).count();
        assert_eq!((count("text"), count("chat")), (2, 2), "seed {seed}");
    }
}

#[test]
fn a_delivery_of_a_verification_that_has_ended_is_closed_and_not_taken_over_again_and_again() {
    let mut house = House::new(1);
    house.refuses = true;
    let engine = house.process("shop");
    let id = house.start(&engine, &[ASHA])[0];
    let canceling = engine.clone();
    house.executor.tasks().spawn(Box::pin(async move {
        canceling.cancel(&caller(&canceling), id).await.unwrap();
    }));
    house.pass(Duration::from_secs(10));
    let delivery = house.delivery(id);
    assert_eq!((delivery.state, delivery.lease), (DeliveryState::Undeliverable, None));
}

#[test]
fn a_delivery_whose_application_is_gone_waits_for_it_and_ends_with_its_code() {
    let mut house = House::new(1);
    house.refuses = true;
    let engine = house.process("shop");
    let id = house.start(&engine, &[ASHA])[0];
    house.executor.crash();
    house.refuses = false;
    drop(engine);
    let _without = house.process("another");
    house.pass(Duration::from_secs(60));
    assert_eq!(house.delivery(id).state, DeliveryState::Queued, "the application may come back");
    house.pass(Duration::from_secs(660));
    assert_eq!((house.delivery(id).state, house.delivery(id).lease), (DeliveryState::Undeliverable, None));
}

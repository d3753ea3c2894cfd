//! One life of the service: callers, vendors, telephones and crashes, and the promises that are held after every step.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use backstop_domain::{
    application::{Application, ApplicationId, Authority, CodePolicy},
    attempt::{Attempt, AttemptState},
    breaker::BreakerSettings,
    channel::Channel,
    clock::{Clock, ManualClock, Timestamp},
    code::SubmittedCode,
    delivery::DeliveryState,
    id::{AttemptId, DeliveryId, NodeId, VerificationId},
    keyring::{KeyUse, Keyring, Kid, LookupHash, RootKey, generate},
    limit::{Limits, Pace},
    outcome::Reason,
    plan::{LEAST_LIFE, MAX_MESSAGES},
    ports::{
        Store, Tasks,
        provider::Callback,
        random::SeededRandom,
        store::{Applications, VerificationFilter, VerificationView, Verifications},
    },
    price::PriceList,
    purpose::Purpose,
    recipient::Recipient,
    template::Templates,
    verification::Status,
};
use backstop_engine::{
    Caller, Credential, Engine, Parts,
    deliver::{Money, ProviderSettings},
    verify::{CheckRequest, ResendRequest, StartRequest},
};
use backstop_store::SqliteStore;
use futures::executor::block_on;

use crate::hooked::Hooked;

use super::{
    executor::{Did, Executor, SimulatedTasks},
    planted::{Plant, Refunding, Uncharged},
    vendor::{Air, SimulatedVendor},
};

/// How long callers keep calling.
const BUSY: Duration = Duration::from_secs(240);
/// How long verifications are kept: longer than a life.
const RETENTION: Duration = Duration::from_secs(90 * 86_400);
/// Who takes only so many messages. The others' first attempts are written down with the verification.
const PACED: [&str; 2] = ["sms-two", "chat"];
/// How many.
const PACE: Pace = Pace { max: 6, span: Duration::from_secs(60) };
/// How long a message may be silent.
const SILENCE: Duration = Duration::from_secs(20);
/// When every code of a life is long dead.
const LIFE: Duration = Duration::from_secs(1_000);
const PEOPLE: [&str; 4] = ["+919876543210", "+14155550123", "asha@example.com", "+919876543211"];

/// What callers were told. It outlives every crash: whoever was told something remembers it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    started: Vec<VerificationId>,
    approvals: BTreeMap<VerificationId, u32>,
    wrong: BTreeMap<VerificationId, u32>,
    canceled: BTreeSet<VerificationId>,
    /// For which somebody typed the right code.
    solved: BTreeSet<VerificationId>,
    redeemed: BTreeMap<VerificationId, u32>,
    errors: u32,
}

/// What happened in a life.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    crashes: u32,
    started: u32,
    hand_overs: u32,
    approved: u32,
    canceled: u32,
    redeemed: u32,
    wrong_checks: u32,
    unknown: u32,
    failed_over: u32,
    paced: u32,
    arrived: u32,
    lost: u32,
    reopened: u32,
    followed: u32,
    history: Vec<String>,
}

impl Report {
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.fields().into_iter().zip(other.clone().fields()) {
            *mine += *theirs;
        }
    }

    fn fields(&mut self) -> [&mut u32; 14] {
        [
            &mut self.crashes,
            &mut self.started,
            &mut self.hand_overs,
            &mut self.approved,
            &mut self.canceled,
            &mut self.redeemed,
            &mut self.wrong_checks,
            &mut self.unknown,
            &mut self.failed_over,
            &mut self.paced,
            &mut self.arrived,
            &mut self.lost,
            &mut self.reopened,
            &mut self.followed,
        ]
    }

    pub(crate) fn counts(&self) -> [(&'static str, u32); 14] {
        [
            ("a crash", self.crashes),
            ("a start", self.started),
            ("a hand-over", self.hand_overs),
            ("an approval", self.approved),
            ("a cancel", self.canceled),
            ("a redeem", self.redeemed),
            ("a wrong check", self.wrong_checks),
            ("an unknown", self.unknown),
            ("a failover", self.failed_over),
            ("a full pace", self.paced),
            ("an arrival that was told", self.arrived),
            ("a loss that was told", self.lost),
            ("a delivery that was opened again", self.reopened),
            ("a silence that was followed", self.followed),
        ]
    }
}

/// What a verification was when it was last looked at.
struct Seen {
    status: Status,
    checks_used: u32,
    attempts: Vec<(AttemptId, AttemptState)>,
    deliveries: Vec<(DeliveryId, DeliveryState)>,
}

pub(crate) struct World {
    process: Process,
    engine: Arc<Engine>,
    told: Arc<Mutex<Told>>,
    seen_hand_overs: usize,
    changes: u64,
    /// The rows are looked at after every so many steps that changed some: in one life of four after each.
    looks_every: u64,
    unseen: u64,
    attempts: BTreeSet<AttemptId>,
    /// When each vendor got its messages.
    got: BTreeMap<String, Vec<Timestamp>>,
    before: BTreeMap<VerificationId, Seen>,
    /// How often each delivery was opened again.
    reopened: BTreeMap<DeliveryId, usize>,
    report: Report,
}

impl World {
    pub(crate) fn new(seed: u64, plant: Plant) -> Self {
        let chance = Arc::new(SeededRandom::new(seed));
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let store = Arc::new(SqliteStore::inline_in_memory(clock.now()).unwrap());
        let keys = KeyUse::ALL
            .into_iter()
            .zip(1..)
            .map(|(key_use, kid)| (Kid(kid), key_use, generate(chance.as_ref())));
        let ring = Keyring::new(keys).unwrap();
        let applications = ["mine", "other"]
            .into_iter()
            .map(|name| application(block_on(store.application(name, clock.now())).unwrap(), name))
            .collect();
        let mut process = Process {
            plant,
            executor: Executor::new(clock.clone(), chance.clone()),
            chance,
            clock,
            store,
            ring,
            applications,
            air: Arc::default(),
            uncharged: Uncharged::default(),
        };
        let engine = process.start();
        Self {
            process,
            engine,
            told: Arc::default(),
            seen_hand_overs: 0,
            changes: 0,
            looks_every: 1 + seed % 4,
            unseen: 0,
            attempts: BTreeSet::new(),
            got: BTreeMap::new(),
            before: BTreeMap::new(),
            reopened: BTreeMap::new(),
            report: Report::default(),
        }
    }

    /// Lives one life. The error says which promise was broken, and when.
    pub(crate) fn live(mut self) -> Result<Report, String> {
        let born = self.process.clock.now();
        let (busy_until, end) = (born + BUSY, born + LIFE);
        while self.process.clock.now() < end {
            let busy = self.process.clock.now() < busy_until;
            if busy {
                match self.process.chance.below(400) {
                    0..=19 => self.call(),
                    20 => self.crash()?,
                    _ => {}
                }
            }
            self.tell();
            let horizon = if busy { self.process.clock.now() + Duration::from_secs(2) } else { end };
            let told = self.process.air.lock().unwrap().tellings.keys().next().map(|(at, _)| *at);
            let horizon = told.map_or(horizon, |at| at.min(horizon));
            let did = self.process.executor.step(horizon);
            if did == Did::Polled {
                self.hold_promises()
                    .map_err(|broken| format!("{broken} at {:?}", self.process.clock.now()))?;
            }
        }
        self.hold_promises()?;
        self.look_at_rows()?;
        self.judge_the_end()?;
        Ok(self.report)
    }

    /// Vendors say what is due. What the process does not take is said again; what a crash takes along is lost.
    fn tell(&self) {
        let now = self.process.clock.now();
        let mut air = self.process.air.lock().unwrap();
        let later = air.tellings.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut air.tellings, later);
        drop(air);
        for telling in due.into_values() {
            let (engine, air) = (self.engine.clone(), self.process.air.clone());
            self.process.executor.tasks().spawn(Box::pin(async move {
                let callback = Callback { body: telling.body.clone().into_bytes(), ..Callback::default() };
                if engine.receive(&telling.provider, None, &callback).await.is_err() {
                    air.lock().unwrap().tell(now + Duration::from_secs(5), telling);
                }
            }));
        }
    }

    /// The process dies between two steps and another one starts on the same store.
    fn crash(&mut self) -> Result<(), String> {
        self.report.crashes += 1;
        self.report.history.push(format!("crash at {:?}", self.process.clock.now()));
        self.process.executor.crash();
        self.process.store.restart(self.process.clock.now()).map_err(|error| error.to_string())?;
        if self.process.chance.below(2) == 0 {
            // A program that takes the lock of a dead one ends its leases; otherwise they end by themselves.
            block_on(self.process.store.release_leases()).map_err(|error| error.to_string())?;
        }
        self.engine = self.process.start();
        Ok(())
    }

    /// Somebody calls.
    fn call(&mut self) {
        let chance = self.process.chance.clone();
        let known = self.told.lock().unwrap().started.clone();
        let pick = (!known.is_empty()).then(|| known[index(&chance, known.len())]);
        let (engine, told) = (self.engine.clone(), self.told.clone());
        let caller = caller(&self.process.applications[0]);
        let task: backstop_domain::ports::BoxFuture<'static, ()> = match (chance.below(10), pick) {
            (0..=3, _) | (_, None) => {
                let to = Recipient::parse(PEOPLE[index(&chance, PEOPLE.len())], None).unwrap();
                let purpose = ["login", "transaction"][index(&chance, 2)].parse().unwrap();
                let mut request = StartRequest::new(to, purpose);
                request.session = (chance.below(3) == 0).then(|| "one browser".into());
                request.wait = chance.below(4) == 0;
                Box::pin(async move {
                    match engine.start(&caller, request, None).await {
                        Ok(started) => told.lock().unwrap().started.push(started.verification.id),
                        Err(_) => told.lock().unwrap().errors += 1,
                    }
                })
            }
            (4..=7, Some(id)) => {
                let read = self.process.air.lock().unwrap().phones.get(&id).cloned();
                let right = read.filter(|_| chance.below(2) == 0);
                let typed = right.unwrap_or_else(|| format!("{:06}", chance.below(1_000_000)));
                let air = self.process.air.lock().unwrap();
                if air.hand_overs.iter().any(|sent| sent.verification == id && sent.code == typed) {
                    told.lock().unwrap().solved.insert(id);
                }
                drop(air);
                let request = CheckRequest::Id(id, SubmittedCode::parse(&typed).unwrap());
                Box::pin(async move {
                    let Ok(report) = engine.check(&caller, request, None).await else {
                        told.lock().unwrap().errors += 1;
                        return;
                    };
                    let mut told = told.lock().unwrap();
                    if report.answer.valid {
                        *told.approvals.entry(id).or_default() += 1;
                    } else if report.answer.status == Status::Pending {
                        *told.wrong.entry(id).or_default() += 1;
                    }
                })
            }
            (8, Some(id)) => Box::pin(async move {
                let _ = engine.resend(&caller, ResendRequest { id, channel: None }, None).await;
            }),
            (_, Some(id)) if chance.below(2) == 0 => Box::pin(async move {
                if engine.cancel(&caller, id).await.is_ok() {
                    told.lock().unwrap().canceled.insert(id);
                }
            }),
            (_, Some(id)) => Box::pin(async move {
                if engine.redeem(&caller, id, None).await.is_ok() {
                    *told.lock().unwrap().redeemed.entry(id).or_default() += 1;
                }
            }),
        };
        self.process.executor.tasks().spawn(task);
    }

    /// What must hold after every step.
    fn hold_promises(&mut self) -> Result<(), String> {
        let told = self.told.lock().unwrap();
        if let Some((id, _)) = told.approvals.iter().find(|(_, count)| **count > 1) {
            return Err(format!("I1: {id} was approved twice"));
        }
        if let Some((id, _)) = told.redeemed.iter().find(|(_, count)| **count > 1) {
            return Err(format!("I1: {id} was redeemed twice"));
        }
        let fresh: Vec<_> = self.process.air.lock().unwrap().hand_overs[self.seen_hand_overs..].to_vec();
        drop(told);
        self.seen_hand_overs += fresh.len();
        for hand_over in fresh {
            self.report.hand_overs += 1;
            self.report
                .history
                .push(format!("{} {} {}", hand_over.provider, hand_over.code, hand_over.attempt));
            if !self.attempts.insert(hand_over.attempt) {
                return Err(format!("I4: {} was sent twice", hand_over.attempt));
            }
            if hand_over.life_left < LEAST_LIFE {
                return Err(format!(
                    "{} was sent with {:?} of life left",
                    hand_over.attempt, hand_over.life_left
                ));
            }
            let got = self.got.entry(hand_over.provider.clone()).or_default();
            got.push(hand_over.at);
            let within = got.iter().filter(|at| hand_over.at.since(**at) < PACE.span).count() as u32;
            let paced = PACED.contains(&hand_over.provider.as_str());
            self.report.paced += u32::from(paced && within == PACE.max);
            if paced && within > PACE.max {
                return Err(format!("I9: {} got {within} messages in its span", hand_over.provider));
            }
            let written = self
                .view(hand_over.verification)
                .is_some_and(|view| view.attempts.iter().any(|attempt| attempt.id == hand_over.attempt));
            if !written {
                return Err(format!("{} was sent before it was written down", hand_over.attempt));
            }
        }
        self.hold_rows()
    }

    fn hold_rows(&mut self) -> Result<(), String> {
        let changes = self.process.store.changes() + self.process.uncharged.lock().unwrap().len() as u64;
        if std::mem::replace(&mut self.changes, changes) == changes {
            return Ok(());
        }
        self.unseen += 1;
        if self.unseen < self.looks_every { Ok(()) } else { self.look_at_rows() }
    }

    fn look_at_rows(&mut self) -> Result<(), String> {
        self.unseen = 0;
        let views = self.rows()?;
        let uncharged = self.process.uncharged.lock().unwrap().clone();
        for view in views {
            let row = &view.verification;
            let evaluated = row.checks_used + uncharged.get(&row.id).copied().unwrap_or_default();
            if evaluated > row.max_checks {
                return Err(format!("I2: {} compared {evaluated} codes", row.id));
            }
            let messages = view.attempts.iter().filter(|attempt| attempt.state.may_have_reached()).count();
            if messages > MAX_MESSAGES {
                return Err(format!("I10: {} had {messages} messages", row.id));
            }
            if row.status == Status::Approved && !self.told.lock().unwrap().solved.contains(&row.id) {
                return Err(format!("I1: {} was approved and nobody typed its code", row.id));
            }
            let seen = Seen {
                status: row.status,
                checks_used: row.checks_used,
                attempts: view.attempts.iter().map(|attempt| (attempt.id, attempt.state)).collect(),
                deliveries: view.deliveries.iter().map(|delivery| (delivery.id, delivery.state)).collect(),
            };
            if let Some(before) = self.before.get(&row.id) {
                if before.status != Status::Pending && before.status != row.status {
                    return Err(format!("I5: {} left {} for {}", row.id, before.status, row.status));
                }
                if before.checks_used > row.checks_used {
                    return Err(format!("I2: {} lost a count", row.id));
                }
                if let Some(broken) = moved_back(&before.attempts, &seen.attempts) {
                    return Err(format!("I5: {broken} moved backwards"));
                }
                for delivery in opened_again(&before.deliveries, &seen.deliveries)? {
                    let lost = view.attempts.iter().filter(|attempt| {
                        attempt.delivery == delivery && attempt.receipt.is_some() && is_lost(attempt.state)
                    });
                    let times = self.reopened.entry(delivery).or_default();
                    *times += 1;
                    self.report.reopened += 1;
                    if *times > lost.count() {
                        return Err(format!("I10: {delivery} was opened again {times} times"));
                    }
                }
            }
            self.before.insert(row.id, seen);
        }
        let told = self.told.lock().unwrap();
        for id in &told.started {
            if !self.before.contains_key(id) {
                return Err(format!("I3: {id} was acknowledged and is gone"));
            }
        }
        Ok(())
    }

    /// What must hold once every code is dead.
    fn judge_the_end(&mut self) -> Result<(), String> {
        let told = self.told.lock().unwrap();
        let now = self.process.clock.now();
        let air = self.process.air.lock().unwrap();
        let opt_outs = self.opt_outs(&air)?;
        for id in &told.started {
            let view = self.view(*id).ok_or_else(|| format!("I3: {id} is gone"))?;
            if view.verification.status_at(now) == Status::Pending {
                return Err(format!("I3: {id} never ended"));
            }
            let opted_out = |channel: &Channel| {
                let providers = self.process.providers();
                let mut serving = providers.iter().filter(|provider| provider.channels.contains(channel));
                serving
                    .all(|provider| opt_outs.contains(&(view.verification.recipient, provider.name.clone())))
            };
            let nowhere_left = view.verification.ladder.iter().all(opted_out);
            let reached = air.hand_overs.iter().filter(|hand_over| hand_over.verification == *id).count();
            let ended_early = matches!(view.verification.status, Status::Canceled | Status::MaxChecksReached);
            if reached == 0 && !ended_early && !nowhere_left {
                let refused: Vec<_> = opt_outs
                    .iter()
                    .filter(|(whose, _)| *whose == view.verification.recipient)
                    .map(|o| &o.1)
                    .collect();
                return Err(format!(
                    "I3: {id} never reached a vendor: {:?}, over {:?} without {refused:?}",
                    view.deliveries, view.verification.ladder
                ));
            }
            if view.attempts.iter().any(|attempt| attempt.state == AttemptState::Sending) {
                return Err(format!("I5: an attempt of {id} is still being sent"));
            }
            for delivery in &view.deliveries {
                let attempts = || view.attempts.iter().filter(|attempt| attempt.delivery == delivery.id);
                let any = |state| attempts().any(|attempt| attempt.state == state);
                let right = match delivery.state {
                    DeliveryState::Queued => false,
                    DeliveryState::Delivered => any(AttemptState::Delivered),
                    DeliveryState::Sent => !any(AttemptState::Delivered),
                    DeliveryState::Undeliverable => {
                        !any(AttemptState::Delivered) && !any(AttemptState::Accepted)
                    }
                };
                if !right || delivery.lease.is_some() {
                    let attempts: Vec<_> =
                        attempts().map(|attempt| (attempt.state, &attempt.receipt)).collect();
                    return Err(format!("I5: {delivery:?} ended with {attempts:?}"));
                }
                self.report.followed += u32::from(attempts().any(|silent| {
                    let later = |other: &&Attempt| {
                        silent.finished_at.is_some_and(|at| other.started_at.since(at) >= SILENCE)
                    };
                    silent.state == AttemptState::Accepted && attempts().any(|other| later(&other))
                }));
            }
            let told_of =
                |state| view.attempts.iter().filter(|attempt| attempt.state == state).count() as u32;
            self.report.arrived += told_of(AttemptState::Delivered);
            self.report.lost += told_of(AttemptState::Undelivered);
            let codes: BTreeSet<_> =
                air.hand_overs.iter().filter(|h| h.verification == *id).map(|h| &h.code).collect();
            if codes.len() > 1 {
                return Err(format!("{id} was sent {} codes", codes.len()));
            }
            let providers: BTreeSet<_> = view.attempts.iter().map(|attempt| &attempt.provider).collect();
            self.report.failed_over += u32::from(providers.len() > 1);
            self.report.unknown += u32::from(view.attempts.iter().any(|a| a.state == AttemptState::Unknown));
            // Another application sees nothing of it.
            let other = self.process.applications[1].id;
            if block_on(self.process.store.get(other, *id)).map_err(|error| error.to_string())?.is_some() {
                return Err(format!("I8: another application reads {id}"));
            }
        }
        self.report.started = told.started.len() as u32;
        self.report.approved = told.approvals.values().sum();
        self.report.canceled = told.canceled.len() as u32;
        self.report.redeemed = told.redeemed.values().sum();
        self.report.wrong_checks = told.wrong.values().sum();
        Ok(())
    }

    /// Whom people told to stop.
    fn opt_outs(&self, air: &Air) -> Result<BTreeSet<(LookupHash, String)>, String> {
        let mut opt_outs = BTreeSet::new();
        for view in self.rows()? {
            for attempt in &view.attempts {
                let refused = attempt.rejection.is_some_and(|rejection| rejection.reason == Reason::OptedOut);
                if refused || air.opted_out.contains(&attempt.id) {
                    opt_outs.insert((view.verification.recipient, attempt.provider.clone()));
                }
            }
        }
        Ok(opt_outs)
    }

    fn rows(&self) -> Result<Vec<VerificationView>, String> {
        let mine = self.process.applications[0].id;
        let filter = VerificationFilter {
            limit: 1_000,
            now: self.process.clock.now(),
            ..VerificationFilter::default()
        };
        block_on(self.process.store.list(mine, filter)).map_err(|error| error.to_string())
    }

    fn view(&self, id: VerificationId) -> Option<VerificationView> {
        block_on(self.process.store.get(self.process.applications[0].id, id)).unwrap()
    }
}

/// What a process is started from, each time anew.
struct Process {
    plant: Plant,
    chance: Arc<SeededRandom>,
    clock: Arc<ManualClock>,
    executor: Executor,
    store: Arc<SqliteStore>,
    ring: Keyring,
    applications: Vec<Application>,
    air: Arc<Mutex<Air>>,
    uncharged: Uncharged,
}

impl Process {
    fn start(&mut self) -> Arc<Engine> {
        let tasks = self.executor.tasks();
        let store: Arc<dyn Store> = match self.plant {
            Plant::RefundOnError => Arc::new(Hooked {
                inner: self.store.clone(),
                hooks: Refunding { chance: self.chance.clone(), uncharged: self.uncharged.clone() },
            }),
            Plant::None | Plant::SendTwice => self.store.clone(),
        };
        let engine = Engine::new(Parts {
            clock: self.clock.clone(),
            random: self.chance.clone(),
            store,
            tasks: tasks.clone(),
            witness: None,
            keyring: self.ring.clone(),
            root: RootKey::new([7; 32]),
            applications: self.applications.clone(),
            providers: self.providers_on(tasks),
            hedge_after: Duration::from_secs(2),
            escalate_after: [(Channel::Sms, SILENCE), (Channel::Whatsapp, SILENCE)].into(),
            lost_person: None,
            rules: Vec::new(),
            notices: backstop_engine::notify::NoticeSettings::default(),
            public_url: None,
            emergency: None,
            retention: RETENTION,
            node: NodeId::new(self.clock.now(), self.chance.as_ref()),
        });
        engine.run();
        engine
    }
}

impl Process {
    fn providers(&self) -> Vec<ProviderSettings> {
        self.providers_on(self.executor.tasks())
    }

    fn providers_on(&self, tasks: Arc<SimulatedTasks>) -> Vec<ProviderSettings> {
        let providers = [
            ("sms-one", vec![Channel::Sms]),
            ("sms-two", vec![Channel::Sms]),
            ("chat", vec![Channel::Whatsapp]),
            ("mail", vec![Channel::Email]),
        ];
        providers
            .map(|(name, channels)| ProviderSettings {
                name: name.into(),
                kind: "simulated".into(),
                channels,
                provider: Arc::new(SimulatedVendor {
                    name: name.into(),
                    air: self.air.clone(),
                    chance: self.chance.clone(),
                    clock: self.clock.clone(),
                    tasks: tasks.clone(),
                    sends_twice: self.plant == Plant::SendTwice,
                }),
                breaker: BreakerSettings::default(),
                timeout: Duration::from_secs(10),
                pace: if PACED.contains(&name) { vec![PACE] } else { vec![] },
                price: PriceList::default(),
                money: Money::default(),
                texts_india: true,
            })
            .into()
    }
}

fn moved_back(
    before: &[(AttemptId, AttemptState)],
    after: &[(AttemptId, AttemptState)],
) -> Option<AttemptId> {
    let rank = |state| match state {
        AttemptState::Sending => 0,
        AttemptState::Unknown => 1,
        AttemptState::Accepted => 2,
        AttemptState::Rejected | AttemptState::Undelivered => 3,
        AttemptState::Delivered => 4,
    };
    before.iter().find_map(|(id, was)| {
        let now = after.iter().find(|(other, _)| other == id).map(|(_, state)| *state);
        let fine = now.is_some_and(|now| now == *was || rank(now) > rank(*was));
        (!fine).then_some(*id)
    })
}

/// The deliveries that went back to the queue; no state but `sent` is ever left for it.
fn opened_again(
    before: &[(DeliveryId, DeliveryState)],
    after: &[(DeliveryId, DeliveryState)],
) -> Result<Vec<DeliveryId>, String> {
    let mut opened = Vec::new();
    for (id, was) in before {
        let now = after.iter().find(|(other, _)| other == id).map(|(_, state)| *state);
        match (was, now) {
            // It may have come to an end since.
            (DeliveryState::Sent, Some(DeliveryState::Queued | DeliveryState::Undeliverable)) => {
                opened.push(*id)
            }
            (DeliveryState::Queued, Some(_)) | (_, Some(DeliveryState::Delivered)) => {}
            (DeliveryState::Undeliverable, Some(DeliveryState::Sent)) => {}
            (was, Some(now)) if *was == now => {}
            (was, now) => return Err(format!("I5: {id} left {was} for {now:?}")),
        }
    }
    Ok(opened)
}

const fn is_lost(state: AttemptState) -> bool {
    matches!(state, AttemptState::Undelivered | AttemptState::Rejected)
}

fn index(chance: &SeededRandom, length: usize) -> usize {
    usize::try_from(chance.below(length as u64)).unwrap()
}

fn application(id: ApplicationId, name: &str) -> Application {
    Application {
        id,
        name: name.into(),
        brand: "Acme".into(),
        codes: CodePolicy::default(),
        limits: Limits {
            recipient_per_hour: 60,
            recipient_per_day: 60,
            installation_recipient_per_day: 60,
            checks_per_hour: 200,
            checks_per_day: 200,
            resend_after: Duration::from_secs(5),
            ..Limits::default()
        },
        ladder: vec![Channel::Sms, Channel::Whatsapp, Channel::Email],
        floors: BTreeMap::new(),
        default_floor: Channel::Email,
        default_region: None,
        countries: None,
        origins: vec![],
        public_purposes: vec![Purpose::login()],
        public_channels: None,
        native_apps: false,
        providers: None,
        templates: Templates::default(),
        sign_in: Default::default(),
    }
}

fn caller(application: &Application) -> Caller {
    Caller {
        application: Arc::new(application.clone()),
        authority: Authority::Secret,
        credential: Credential::of("sk_simulated_0123456789"),
        network: None,
        origin: None,
        surface: None,
    }
}

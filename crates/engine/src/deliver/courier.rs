//! One delivery, from its first attempt to its end.
//!
//! A courier owns nothing that matters: the plan is a pure function of the rows, so another courier can go on from them
//! at any instant. It never sends what it has not written down, and never sends an attempt twice. A process can stand still
//! between the two, for as long as somebody likes; when it wakes after its lease has ended, another may have gone on with
//! the next route, so what was written down and not yet sent stays unsent.
//!
//! A receipt can be faster than the answer to the message that it is about. It is in the rows then, and is told here, so
//! that the answer is not taken for the last word.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    application::Application,
    attempt::{Attempt, AttemptState},
    channel::Channel,
    clock::Timestamp,
    delivery::{DeliveryState, LEASE, Lease},
    id::AttemptId,
    outcome::Outcome,
    plan::{self, LEAST_LIFE, Route, Situation, Step, Tried},
    ports::{
        BoxFuture,
        provider::{Message, Sent},
        store::{Begun, DeliveryTask, NewAttempt},
    },
    ranking::Observation,
    receipt::AttemptReference,
    recipient::{Recipient, Region},
    template::Values,
    verification::Personal,
};
use futures::{
    StreamExt,
    future::{self, Either},
    stream::FuturesUnordered,
};

mod written;

use super::{
    choice::Occasion,
    first::{First, Reserved},
    routes::Rung,
    workload::{InWork, Word},
};
use crate::Engine;

/// How often a lease is renewed while nothing else does.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// The round that a plan begins with.
pub(super) const FIRST_ROUND: u32 = 0;
/// How long to wait before writing to a store again that could not be written.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// An attempt of this courier or of one before it.
struct Entry {
    id: AttemptId,
    tried: Tried,
    overdue: bool,
}

/// What a flight brings back; nothing was sent if it began too late.
struct Landed {
    id: AttemptId,
    sent: Option<Sent>,
}

/// Works on a delivery that this process has leased, until it is done or another's.
pub(super) async fn deliver(engine: Arc<Engine>, task: DeliveryTask) {
    let Some(in_work) = engine.workload.take_up(task.delivery.id) else { return };
    if task.verification.is_decoy() {
        return pretend(&engine, &task).await;
    }
    let (delivery, expires_at) = (task.delivery.clone(), task.verification.expires_at);
    if let Some(courier) = Courier::new(engine.clone(), task) {
        return courier.run(in_work, None).await;
    }
    tracing::error!(verification.id = %delivery.verification, delivery.id = %delivery.id, "a delivery cannot be made: its application is gone or its values do not open");
    engine.workload.taken(delivery.id, None);
    let now = engine.now();
    // Until then it is kept: the application may be configured again.
    if now + LEAST_LIFE > expires_at
        && let Err(error) =
            engine.store.finish(&delivery, DeliveryState::Undeliverable, engine.node, now).await
    {
        tracing::warn!(delivery.id = %delivery.id, %error, "the end of a delivery could not be written down");
    }
}

/// Works on the first delivery of a verification, as it was just written; `first` is written down with it.
pub(super) async fn deliver_new(courier: Courier, first: Option<First>) {
    let Some(in_work) = courier.engine.workload.take_up(courier.task.delivery.id) else { return };
    if courier.task.verification.is_decoy() {
        return pretend(&courier.engine, &courier.task).await;
    }
    courier.run(in_work, first).await;
}

/// Ends the delivery of a decoy as one that a vendor has, and sends nothing. If that cannot be written down, recovery finds
/// it again when its lease ends.
async fn pretend(engine: &Engine, task: &DeliveryTask) {
    let delivery = &task.delivery;
    let written = engine.store.finish(delivery, DeliveryState::Sent, engine.node, engine.now()).await;
    if let Err(error) = written {
        tracing::warn!(delivery.id = %delivery.id, %error, "the end of a delivery could not be written down");
    }
    engine.workload.taken(delivery.id, None);
}

/// See the module.
pub(crate) struct Courier {
    pub(super) engine: Arc<Engine>,
    application: Arc<Application>,
    pub(crate) task: DeliveryTask,
    personal: Personal,
    /// Whether our own data says that the number exists.
    second_opinion: bool,
    ladder: Vec<Rung>,
    entries: Vec<Entry>,
    flights: FuturesUnordered<BoxFuture<'static, Landed>>,
    lease_until: Timestamp,
    done: bool,
}

impl Courier {
    /// `None` if the delivery's application is gone or its values do not open.
    fn new(engine: Arc<Engine>, task: DeliveryTask) -> Option<Self> {
        let row = &task.verification;
        let application = engine.applications.values().find(|app| app.id == row.application).cloned()?;
        let personal = row.open_personal(&engine.keyring()).ok()?;
        let ladder = task.delivery.ladder.as_ref().unwrap_or(&row.ladder);
        let addressed = ladder.iter().filter_map(|c| Some((*c, personal.recipient_for(*c)?)));
        let occasion = Occasion { application: &application, purpose: &row.purpose, now: engine.now() };
        let ladder = match &row.vendor_check {
            Some(checker) => engine.only_through(checker, addressed),
            None => engine.without_checkers(engine.choose(occasion, addressed)),
        };
        Some(Self::of(engine, application, personal, ladder, task))
    }

    /// A courier for whom nothing has to be opened, with its routes chosen.
    pub(crate) fn of(
        engine: Arc<Engine>,
        application: Arc<Application>,
        personal: Personal,
        ladder: Vec<Rung>,
        task: DeliveryTask,
    ) -> Self {
        let now = engine.now();
        let entries = task.attempts.iter().map(|attempt| entry(&engine, attempt, &task, now)).collect();
        let lease_until = task.delivery.lease.map_or(now, |lease| lease.until);
        let second_opinion = matches!(Recipient::restore(personal.to.clone()), Recipient::Phone(_));
        let flights = FuturesUnordered::new();
        Self {
            engine,
            application,
            task,
            personal,
            second_opinion,
            ladder,
            entries,
            flights,
            lease_until,
            done: false,
        }
    }

    async fn run(mut self, in_work: InWork, first: Option<First>) {
        if let Some(First { route, message, reserved }) = first {
            reserved.keep();
            self.launch(message, &route, FIRST_ROUND);
        }
        loop {
            self.go_on(&in_work).await;
            self.engine.workload.taken(self.task.delivery.id, None);
            while let Some(landed) = self.flights.next().await {
                self.land(landed).await;
            }
            if in_work.leave() || self.engine.workload.is_stopping() {
                return;
            }
            self.done = false;
        }
    }

    /// Step by step, until nothing is to be done now.
    async fn go_on(&mut self, in_work: &InWork) {
        while !self.done {
            let now = self.engine.now();
            self.hear(in_work.words(), now);
            let routes = self.routes(now);
            match self.next(&routes, now) {
                Step::Send { routes: picked, round } => {
                    for index in picked {
                        if !self.done {
                            self.send(&routes[index], round).await;
                        }
                    }
                }
                Step::Wait { until } => self.wait(until).await,
                Step::Sent => self.rest().await,
                Step::Undeliverable => {
                    tracing::warn!(verification.id = %self.task.verification.id, delivery.id = %self.task.delivery.id, "undeliverable: no route took it");
                    self.finish().await;
                }
            }
        }
    }

    /// Takes over what receipts said while this courier was at work.
    fn hear(&mut self, words: Vec<Word>, now: Timestamp) {
        for word in words {
            if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == word.attempt) {
                entry.tried.state = word.state;
                entry.tried.rejection = word.rejection;
                entry.tried.finished_at.get_or_insert(now);
            }
        }
    }

    /// The routes of this delivery, each with whether it may be used now.
    pub(super) fn routes(&self, now: Timestamp) -> Vec<Route> {
        self.engine.routes.routes(&self.ladder, &self.task.opted_out, now)
    }

    pub(super) fn next(&self, routes: &[Route], now: Timestamp) -> Step {
        let tried: Vec<Tried> = self.entries.iter().map(|entry| entry.tried.clone()).collect();
        plan::next(&Situation {
            routes,
            tried: &tried,
            second_opinion: self.second_opinion,
            hedge_after: self.engine.hedge_after,
            expires_at: self.task.verification.expires_at,
            now,
        })
    }

    /// Writes an attempt down and lets it fly.
    async fn send(&mut self, route: &Route, round: u32) {
        let now = self.engine.now();
        let id = AttemptId::new(now, self.engine.random.as_ref());
        let Some(message) = self.message(id, route, now) else {
            self.done = true;
            return;
        };
        let Some(reserved) = self.reserve(route, id, now) else { return };
        let lease = Lease { holder: self.engine.node, until: self.leased_until(now) };
        let asking = self.engine.routes.asking(&route.provider);
        let begun = self.engine.store.begin_attempt(self.row(id, route, round, lease, now)).await;
        drop(asking);
        if let Ok(Begun::Send) = begun {
            reserved.keep();
            self.lease_until = lease.until;
            return self.launch(message, route, round);
        }
        drop(reserved);
        match begun {
            Ok(Begun::Send) => {}
            Ok(Begun::Capped { until }) => self.engine.routes.capped(&route.provider, until),
            Ok(Begun::Paced { until }) => self.engine.routes.exhausted(&route.provider, until),
            Ok(Begun::Ended) => self.finish().await,
            Ok(Begun::LeaseLost) => self.done = true,
            Err(error) => {
                tracing::warn!(delivery.id = %self.task.delivery.id, %error, "an attempt could not be written down, so it was not sent");
                self.pause(STORE_PAUSE).await;
            }
        }
    }

    /// Takes the probe of a half-open breaker, if the route may still be used.
    pub(super) fn reserve(&self, route: &Route, attempt: AttemptId, now: Timestamp) -> Option<Reserved> {
        Reserved::take(&self.engine, route, self.region(route.channel), attempt, now)
    }

    /// An attempt as it is written down.
    pub(super) fn row(
        &self,
        id: AttemptId,
        route: &Route,
        round: u32,
        lease: Lease,
        now: Timestamp,
    ) -> NewAttempt {
        NewAttempt {
            id,
            application: self.task.verification.application,
            verification: self.task.verification.id,
            delivery: self.task.delivery.id,
            channel: route.channel,
            provider: route.provider.clone(),
            round,
            pace: self.engine.routes.pace(&route.provider),
            reservation: self.engine.routes.reservation(&route.provider, self.region(route.channel), now),
            decision: self.decision(route, now),
            lease,
            now,
        }
    }

    /// Until when an attempt that begins now is leased: anew only if a renewal is due anyway, since every renewal is a
    /// write.
    fn leased_until(&self, now: Timestamp) -> Timestamp {
        if now < self.lease_until - (LEASE - RENEW_EVERY) { self.lease_until } else { now + LEASE }
    }

    /// Sends what is written down. Its time counts from now: how long the store took is no silence of the vendor's.
    fn launch(&mut self, message: Message, route: &Route, round: u32) {
        let (id, now) = (message.attempt, self.engine.now());
        let Some((provider, timeout)) = self.engine.routes.timeout(&route.provider) else { return };
        self.entries.push(Entry {
            id,
            tried: Tried {
                channel: route.channel,
                provider: route.provider.clone(),
                round: Some(round),
                state: AttemptState::Sending,
                rejection: None,
                started_at: now,
                finished_at: None,
                silent_at: None,
            },
            overdue: false,
        });
        self.learn_sent(id, route, now);
        tracing::debug!(verification.id = %message.verification, attempt.id = %id, provider.name = %route.provider, channel = %route.channel, "sending");
        let alarm = self.engine.tasks.sleep(timeout);
        let last_moment = self.lease_until.min(self.task.verification.expires_at);
        let clock = self.engine.clock.clone();
        self.flights.push(Box::pin(async move {
            if clock.now() >= last_moment {
                return Landed { id, sent: None };
            }
            let sent = match future::select(provider.send(&message), alarm).await {
                Either::Left((sent, _)) => sent,
                Either::Right(_) => {
                    Sent::new(Outcome::Unknown, &format!("no answer within {} s", timeout.as_secs_f32()))
                }
            };
            Landed { id, sent: Some(sent) }
        }));
    }

    /// Waits for an answer, or until something is due.
    async fn wait(&mut self, until: Option<Timestamp>) {
        let now = self.engine.now();
        if self.flights.is_empty() && self.engine.workload.is_stopping() {
            self.done = true;
            return;
        }
        let hedge_after = self.engine.hedge_after;
        let overdue = self
            .entries
            .iter()
            .filter(|entry| entry.tried.state == AttemptState::Sending && !entry.overdue)
            .map(|entry| entry.tried.started_at + hedge_after);
        let renewal = self.lease_until - (LEASE - RENEW_EVERY);
        let due = overdue.chain(until).chain(std::iter::once(renewal)).min().unwrap_or(renewal);
        let alarm = self.engine.tasks.sleep(due.since(now));
        if self.flights.is_empty() {
            future::select(alarm, self.engine.workload.stopped()).await;
        } else {
            let landed = match future::select(self.flights.next(), alarm).await {
                Either::Left((landed, _)) => landed,
                Either::Right(_) => None,
            };
            if let Some(landed) = landed {
                self.land(landed).await;
            }
        }
        self.mark_overdue();
        if self.engine.now() >= renewal && !self.done {
            self.renew().await;
        }
    }

    fn mark_overdue(&mut self) {
        let now = self.engine.now();
        for entry in &mut self.entries {
            let late = entry.tried.state == AttemptState::Sending
                && !entry.overdue
                && now >= entry.tried.started_at + self.engine.hedge_after;
            if late {
                entry.overdue = true;
                let tried = &entry.tried;
                self.engine.routes.overdue(&self.application, &tried.provider, tried.channel, entry.id, now);
            }
        }
    }

    fn region(&self, channel: Channel) -> Option<Region> {
        self.rung(channel).and_then(|rung| rung.region)
    }

    fn rung(&self, channel: Channel) -> Option<&Rung> {
        self.ladder.iter().find(|rung| rung.channel == channel)
    }

    /// Why the providers of a channel stand in their order, for the first attempt over it.
    fn decision(&self, route: &Route, now: Timestamp) -> Option<String> {
        let channel = route.channel;
        let is_first =
            !self.entries.iter().any(|entry| entry.tried.round.is_some() && entry.tried.channel == channel);
        self.rung(channel)
            .filter(|_| is_first)
            .and_then(|rung| self.engine.decision_of(rung, &route.provider, now))
    }

    /// Tells the ranking of a verification's first message; of later ones nobody could say which one helped.
    fn learn_sent(&self, id: AttemptId, route: &Route, now: Timestamp) {
        let others = self.entries.iter().filter(|entry| entry.id != id);
        if others.into_iter().any(|entry| entry.tried.state.may_have_reached()) {
            return;
        }
        let sent = Observation {
            attempt: id,
            provider: route.provider.clone(),
            channel: route.channel,
            region: self.region(route.channel),
            sent_at: now,
            delivered_at: None,
            end: None,
        };
        self.engine.learning.sent(self.task.verification.id, sent);
    }

    /// Lets time pass; a stop ends it, and then the rest is left to recovery.
    async fn pause(&mut self, span: Duration) {
        let sleep = self.engine.tasks.sleep(span);
        if self.flights.is_empty() {
            future::select(sleep, self.engine.workload.stopped()).await;
            self.done |= self.engine.workload.is_stopping();
        } else {
            sleep.await;
        }
    }

    /// The message of an attempt; `None` if there is no code left to send.
    pub(super) fn message(&self, attempt: AttemptId, route: &Route, now: Timestamp) -> Option<Message> {
        let (channel, provider) = (route.channel, route.provider.as_str());
        let row = &self.task.verification;
        let to = self.personal.recipient_for(channel)?;
        // A custom code is wiped when the verification ends, so there is nothing left to send either.
        let code = row.code(&self.engine.keyring(), &self.personal).ok()?;
        let left = row.expires_at.since(now);
        let values = Values {
            brand: &self.application.brand,
            ttl: left,
            transaction: self.personal.transaction.as_ref(),
            locale: row.locale.as_deref(),
        };
        let rendered = self.application.templates.render(channel, &code, &values);
        let reference = AttemptReference { application: row.application, verification: row.id, attempt };
        Some(Message {
            attempt,
            reference,
            links: self.engine.links(provider, channel, reference),
            number: u32::try_from(self.entries.len()).unwrap_or(u32::MAX).saturating_add(1),
            verification: row.id,
            channel,
            to,
            code,
            brand: self.application.brand.clone(),
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            locale: rendered.locale.to_owned(),
            expires_in: left,
        })
    }
}

fn entry(engine: &Engine, attempt: &Attempt, task: &DeliveryTask, now: Timestamp) -> Entry {
    let taken_at = attempt.finished_at.unwrap_or(attempt.started_at);
    let silent_at = if is_silent(task) {
        Some(now)
    } else {
        engine.routes.silent_at(&attempt.provider, attempt.channel, taken_at, now)
    };
    Entry {
        id: attempt.id,
        tried: Tried {
            channel: attempt.channel,
            provider: attempt.provider.clone(),
            round: (attempt.delivery == task.delivery.id).then_some(attempt.round),
            state: attempt.state,
            rejection: attempt.rejection,
            started_at: attempt.started_at,
            finished_at: attempt.finished_at,
            silent_at,
        },
        overdue: true,
    }
}

/// Whether the delivery was found because its message is silent: a vendor took it, and no worker died over another attempt. The
/// store has kept the moment, so it does not matter whether this process knows that receipts are arriving.
fn is_silent(task: &DeliveryTask) -> bool {
    let mut ours = task.attempts.iter().filter(|attempt| attempt.delivery == task.delivery.id);
    task.delivery.state == DeliveryState::Sent
        && !ours.any(|attempt| matches!(attempt.state, AttemptState::Sending | AttemptState::Unknown))
}

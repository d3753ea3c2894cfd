//! People and their backends: they start, wait for the code, mistype it, type it, ask for it again, and redeem, each call
//! at another node. Some recipients are everybody's, so that limits and places among the live matter. Some calls carry an
//! `Idempotency-Key` and are made again elsewhere, answered or not.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::history::{Asked, Desk, Heard};
use crate::harness::{Caller, Dice, Gateway, now, pause, wrong};

/// How long a person waits for a code before they give up.
const PERSON_WAITS: Duration = Duration::from_secs(4);
/// How long a code is waited for before it is asked for again: longer than the service wants.
const RESEND_AFTER: Duration = Duration::from_secs(16);
/// The longest pause between two things that one caller does.
const PAUSE: Duration = Duration::from_millis(400);

/// What callers share.
pub(super) struct Town {
    pub(super) desk: Desk,
    pub(super) gateways: [Gateway; 2],
    pub(super) over: AtomicBool,
    nodes: usize,
}

impl Town {
    /// Of those who call these nodes.
    pub(super) fn new(nodes: Vec<Caller>, gateways: [Gateway; 2]) -> Arc<Self> {
        let count = nodes.len();
        Arc::new(Self { desk: Desk::new(nodes), gateways, over: AtomicBool::new(false), nodes: count })
    }
}

/// One caller. Its seed decides what it does, the machine when.
pub(super) struct Person {
    town: Arc<Town>,
    name: u64,
    dice: Dice,
    deeds: u64,
    /// Who waits for the code to be sent again, and since when.
    waiting: VecDeque<(String, Instant)>,
}

impl Person {
    pub(super) fn new(town: Arc<Town>, name: u64, seed: u64) -> Self {
        Self {
            town,
            name,
            dice: Dice::new(seed.wrapping_mul(1_000).wrapping_add(name)),
            deeds: 0,
            waiting: VecDeque::new(),
        }
    }

    pub(super) async fn live(mut self) {
        while !self.town.over.load(Ordering::Acquire) {
            self.deeds += 1;
            let to = self.recipient();
            let purpose = ["login", "registration"][usize::from(self.one_in(3))].to_owned();
            if let Some(answer) = self.call(Asked::Start { to, purpose }).await
                && let Some(id) = answer.body["id"].as_str().filter(|_| answer.status == 201)
            {
                if self.one_in(5) {
                    self.waiting.push_back((id.to_owned(), now()));
                } else {
                    self.prove(id).await;
                }
            }
            let due = self.waiting.pop_front_if(|(_, since)| since.elapsed() > RESEND_AFTER);
            if let Some((id, _)) = due {
                self.call(Asked::Resend { id: id.clone() }).await;
                self.prove(&id).await;
            }
            pause(self.dice.within(PAUSE)).await;
        }
    }

    /// One of four that all callers share for a while, or one of this caller's own.
    fn recipient(&mut self) -> String {
        if self.one_in(3) {
            let shared = self.deeds / 12 * 4 + self.dice.below(4);
            return format!("+1415{:07}", 5_000_000 + shared);
        }
        format!("+1415{:07}", 2_000_000 + self.name * 10_000 + self.deeds)
    }

    /// What a person does with a verification.
    async fn prove(&mut self, id: &str) {
        let arrived = async {
            loop {
                let found = self.town.gateways.iter().find_map(|gateway| gateway.code_of(id));
                if let Some(code) = found {
                    return code;
                }
                pause(Duration::from_millis(20)).await;
            }
        };
        let Ok(code) = tokio::time::timeout(PERSON_WAITS, arrived).await else { return };
        if self.one_in(8) {
            self.call(Asked::Resend { id: id.to_owned() }).await;
        }
        for _ in 0..self.dice.below(4) {
            self.call(Asked::Check { id: id.to_owned(), code: wrong(&code) }).await;
        }
        if self.one_in(5) {
            return;
        }
        let right = || Asked::Check { id: id.to_owned(), code: code.clone() };
        if self.one_in(3) {
            let (one, two) = (self.node(), self.node());
            let desk = &self.town.desk;
            tokio::join!(desk.call(one, None, right()), desk.call(two, None, right()));
        } else {
            self.call(right()).await;
        }
        let redeem = || Asked::Redeem { id: id.to_owned() };
        let (one, two) = (self.node(), self.node());
        let desk = &self.town.desk;
        tokio::join!(desk.call(one, None, redeem()), desk.call(two, None, redeem()));
    }

    /// Calls some node; now and then with a key, and then again at others.
    async fn call(&mut self, asked: Asked) -> Option<Heard> {
        if !self.one_in(3) {
            let node = self.node();
            return self.town.desk.call(node, None, asked).await;
        }
        let key = format!("key-{}-{}-{}", self.name, self.deeds, self.dice.below(u64::MAX));
        let mut answer = None;
        for _ in 0..2 + self.dice.below(3) {
            let node = self.node();
            let heard = self.town.desk.call(node, Some(&key), asked.clone()).await;
            answer = answer.or(heard.filter(|heard| heard.status < 400));
        }
        answer
    }

    fn node(&mut self) -> usize {
        usize::try_from(self.dice.below(self.town.nodes as u64)).unwrap()
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.dice.below(number) == 0
    }
}

//! Simulated vendors: delay, loss, refusal, silence, and receipts that are late, doubled, out of order, lost or of bad news, as
//! the seed says.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use backstop_domain::{
    clock::{Clock, ManualClock, Timestamp},
    id::{AttemptId, VerificationId},
    outcome::{Outcome, Reason, Rejection, Scope},
    ports::{
        Provider, Tasks,
        provider::{Callback, CallbackRefused, Checkup, Heard, Message, Receiver, Reply, Sent},
        random::SeededRandom,
    },
    receipt::{About, AttemptReference, Receipt, ReceiptState, VendorEvent},
};

/// One request that reached a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HandOver {
    pub(crate) attempt: AttemptId,
    pub(crate) verification: VerificationId,
    pub(crate) provider: String,
    pub(crate) code: String,
    pub(crate) at: Timestamp,
    pub(crate) life_left: Duration,
}

/// What the vendors saw and what the telephones show. It outlives every crash: it is the world, not the process.
#[derive(Debug, Default)]
pub(crate) struct Air {
    pub(crate) hand_overs: Vec<HandOver>,
    pub(crate) phones: BTreeMap<VerificationId, String>,
    /// The messages of which a vendor said that the person opted out.
    pub(crate) opted_out: BTreeSet<AttemptId>,
    /// Who says what, and when.
    pub(crate) tellings: BTreeMap<(Timestamp, u64), Telling>,
    next_telling: u64,
}

/// A receipt on its way to whichever process lives when it comes.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    pub(crate) provider: String,
    pub(crate) body: String,
}

impl Air {
    pub(crate) fn tell(&mut self, at: Timestamp, telling: Telling) {
        self.next_telling += 1;
        self.tellings.insert((at, self.next_telling), telling);
    }
}

pub(crate) struct SimulatedVendor {
    pub(crate) name: String,
    pub(crate) air: Arc<Mutex<Air>>,
    pub(crate) chance: Arc<SeededRandom>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tasks: Arc<dyn Tasks>,
    /// The planted bug: a second request for the same attempt when the first ended unknown.
    pub(crate) sends_twice: bool,
}

const REFUSALS: [(Reason, Scope); 9] = [
    (Reason::InvalidRecipient, Scope::Recipient),
    (Reason::OptedOut, Scope::Recipient),
    (Reason::NotOnChannel, Scope::Recipient),
    (Reason::Misconfigured, Scope::Provider),
    (Reason::Misconfigured, Scope::Route),
    (Reason::OutOfCredit, Scope::Provider),
    (Reason::RateLimited, Scope::Provider),
    (Reason::RateLimited, Scope::Recipient),
    (Reason::Unavailable, Scope::Provider),
];

impl SimulatedVendor {
    /// Decides what will be said of a message that was not refused, if anything. One that was never sent on is never said to have arrived.
    fn plan_receipts(&self, message: &Message) {
        const GOOD: [&str; 4] = ["on its way", "delivered", "delivered", "undelivered"];
        const BAD: [&str; 6] = [
            "on its way",
            "undelivered",
            "undelivered",
            "failed",
            "failed opted_out",
            "undelivered invalid_recipient",
        ];
        let pick =
            |list: &[&'static str]| list[usize::try_from(self.chance.below(list.len() as u64)).unwrap()];
        let arrives = self.chance.below(2) == 0;
        let name = if self.finds_by_vendor_id() { vendor_id(message) } else { message.reference.to_string() };
        for _ in 0..self.chance.below(4) {
            let said = if arrives { pick(&GOOD) } else { pick(&BAD) };
            // Often before the answer, at times when the code is long dead.
            let delay = match self.chance.below(8) {
                0..=2 => self.chance.below(400),
                3..=6 => self.chance.below(60_000),
                _ => self.chance.below(700_000),
            };
            let at = self.clock.now() + Duration::from_millis(delay);
            let telling = Telling { provider: self.name.clone(), body: format!("{name} {said}") };
            for _ in 0..1 + self.chance.below(3) / 2 {
                self.air.lock().unwrap().tell(at, telling.clone());
            }
        }
    }

    async fn request(&self, message: &Message) -> Outcome {
        self.air.lock().unwrap().hand_overs.push(HandOver {
            attempt: message.attempt,
            verification: message.verification,
            provider: self.name.clone(),
            code: message.code.expose().to_owned(),
            at: self.clock.now(),
            life_left: message.expires_in,
        });
        let answer = self.chance.below(100);
        let refuses = (50..=89).contains(&answer);
        if !refuses {
            self.plan_receipts(message);
        }
        let delay = match self.chance.below(10) {
            0..=5 => self.chance.below(500),
            6..=7 => 2_000 + self.chance.below(6_000),
            8 => 9_000 + self.chance.below(4_000),
            _ => 0,
        };
        self.tasks.sleep(Duration::from_millis(delay)).await;
        match answer {
            0..=49 => {
                let arrives = self.chance.below(10) < 8;
                if arrives {
                    self.arrive(message);
                }
                Outcome::Accepted { vendor_id: Some(vendor_id(message)) }
            }
            50..=89 => {
                let (reason, scope) = REFUSALS[usize::try_from(self.chance.below(9)).unwrap()];
                let retry_after =
                    (self.chance.below(2) == 0).then(|| Duration::from_secs(self.chance.below(40)));
                Outcome::rejected_for(reason, scope).with_retry_after(retry_after)
            }
            90..=94 => {
                self.tasks.sleep(Duration::from_secs(3_600)).await;
                Outcome::Unknown
            }
            _ => {
                if self.chance.below(2) == 0 {
                    self.arrive(message);
                }
                Outcome::Unknown
            }
        }
    }

    fn arrive(&self, message: &Message) {
        self.air.lock().unwrap().phones.insert(message.verification, message.code.expose().to_owned());
    }
}

#[async_trait]
impl Provider for SimulatedVendor {
    async fn send(&self, message: &Message) -> Sent {
        let mut outcome = self.request(message).await;
        if self.sends_twice && outcome == Outcome::Unknown {
            outcome = self.request(message).await;
        }
        Sent::new(outcome, "simulated")
    }

    async fn check_up(&self) -> Checkup {
        Checkup { well: true, finding: "simulated".into(), fix: None }
    }

    fn receiver(&self) -> Option<&dyn Receiver> {
        Some(self)
    }
}

/// A callback is `NAME STATE [REASON]`, as [`SimulatedVendor::plan_receipts`] writes it.
#[async_trait]
impl Receiver for SimulatedVendor {
    fn is_signed(&self) -> bool {
        true
    }

    fn finds_by_vendor_id(&self) -> bool {
        matches!(self.name.as_str(), "sms-two" | "mail")
    }

    async fn receive(&self, callback: &Callback) -> Result<Heard, CallbackRefused> {
        let text = String::from_utf8(callback.body.clone()).unwrap();
        let (name, said) = text.split_once(' ').unwrap();
        let (state, reason) = match said {
            "on its way" => (ReceiptState::OnItsWay, None),
            "delivered" => (ReceiptState::Delivered, None),
            "undelivered" => (ReceiptState::Undelivered, None),
            "undelivered invalid_recipient" => (ReceiptState::Undelivered, Some(Reason::InvalidRecipient)),
            "failed" => (ReceiptState::Failed, None),
            "failed opted_out" => (ReceiptState::Failed, Some(Reason::OptedOut)),
            other => panic!("no vendor says {other}"),
        };
        let (about, attempt) = match name.parse::<AttemptReference>() {
            Ok(reference) => (About::Reference(reference), reference.attempt),
            Err(_) => (About::VendorId(name.to_owned()), name.strip_prefix("SIM_").unwrap().parse().unwrap()),
        };
        if reason == Some(Reason::OptedOut) {
            self.air.lock().unwrap().opted_out.insert(attempt);
        }
        let rejection = reason.map(|reason| Rejection { reason, scope: Scope::Recipient, retry_after: None });
        let receipt = Receipt { about, state, rejection, price: None, response: text.clone() };
        Ok(Heard { events: vec![VendorEvent::Receipt(receipt)], reply: Reply::OK })
    }
}

fn vendor_id(message: &Message) -> String {
    format!("SIM_{}", message.attempt)
}

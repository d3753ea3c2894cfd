//! Simulated vendors: delay, loss, refusal, silence, as the seed says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use backstop_domain::{
    clock::{Clock, ManualClock, Timestamp},
    id::{AttemptId, VerificationId},
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider, Tasks,
        provider::{Checkup, Message, Sent},
        random::SeededRandom,
    },
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
    async fn request(&self, message: &Message) -> Outcome {
        self.air.lock().unwrap().hand_overs.push(HandOver {
            attempt: message.attempt,
            verification: message.verification,
            provider: self.name.clone(),
            code: message.code.expose().to_owned(),
            at: self.clock.now(),
            life_left: message.expires_in,
        });
        let delay = match self.chance.below(10) {
            0..=5 => self.chance.below(500),
            6..=7 => 2_000 + self.chance.below(6_000),
            8 => 9_000 + self.chance.below(4_000),
            _ => 0,
        };
        self.tasks.sleep(Duration::from_millis(delay)).await;
        match self.chance.below(100) {
            0..=49 => {
                let arrives = self.chance.below(10) < 8;
                if arrives {
                    self.arrive(message);
                }
                Outcome::Accepted { vendor_id: Some(format!("SIM{}", message.number)) }
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
}

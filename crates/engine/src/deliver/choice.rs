//! Which providers a delivery tries, in which order, and why.
//!
//! Chosen once for a delivery, by the domain's ranking under a seed of chance: breakers, limits and money are asked at every
//! step, but the order stays, so that a courier walks each route once.

use backstop_domain::{
    application::Application,
    channel::Channel,
    clock::Timestamp,
    purpose::Purpose,
    ranking::{Decision, Offer, Request},
    recipient::Recipient,
    rule::{self, Facts},
};

use super::routes::Rung;
use crate::Engine;

/// For whom and what a choice is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) application: &'a Application,
    pub(crate) purpose: &'a Purpose,
    pub(crate) now: Timestamp,
}

impl Engine {
    /// The channels of a ladder, each with the address there and its providers in the order in which they are to be tried.
    pub(crate) fn choose(
        &self,
        occasion: Occasion<'_>,
        ladder: impl IntoIterator<Item = (Channel, Recipient)>,
    ) -> Vec<Rung> {
        ladder.into_iter().map(|(channel, to)| self.rung(occasion, channel, &to)).collect()
    }

    fn rung(
        &self,
        Occasion { application, purpose, now }: Occasion<'_>,
        channel: Channel,
        to: &Recipient,
    ) -> Rung {
        let region = to.region();
        let serving = self.routes.serving(application, channel, region);
        let facts = Facts { application: &application.name, recipient: to, channel, purpose };
        let ruling = rule::ask(&self.rules, &facts, serving.iter().map(|(name, _)| *name));
        let is_a_choice = ruling.providers.len() > 1 || !ruling.passed_over.is_empty();
        if !is_a_choice {
            return Rung { channel, region, providers: ruling.providers, decision: None };
        }
        let price =
            |name: &str| serving.iter().find(|(other, _)| *other == name).and_then(|(_, price)| *price);
        let offers: Vec<Offer<'_>> =
            ruling.providers.iter().map(|name| Offer { provider: name, price: price(name) }).collect();
        let mut seed = [0; 8];
        self.random.fill(&mut seed);
        let mut decision = self.learning.order(&Request {
            ranking: ruling.ranking,
            channel,
            region,
            offers: &offers,
            seed: u64::from_be_bytes(seed),
            now,
        });
        decision.candidates.extend(ruling.left_out());
        decision.rule = ruling.rule;
        let providers = decision.order().map(str::to_owned).collect();
        Rung { channel, region, providers, decision: Some(decision) }
    }

    /// The decision as it is kept with an attempt: with what could not be used at that moment. `None` if there was no choice.
    /// The provider that is `used` was not passed over, however its breaker stands once its probe is taken.
    pub(crate) fn decision_of(&self, rung: &Rung, used: &str, now: Timestamp) -> Option<String> {
        let decision = rung.decision.clone()?;
        let others = rung.providers.iter().filter(|name| *name != used);
        serde_json::to_string(&self.with_passed_over(decision, rung, others, now)).ok()
    }

    /// The decision, with why each provider would be passed over now.
    pub(crate) fn explained(&self, rung: &Rung, now: Timestamp) -> Decision {
        let decision = rung.decision.clone().unwrap_or_else(|| Decision::of_one(rung.providers.first()));
        self.with_passed_over(decision, rung, rung.providers.iter(), now)
    }

    fn with_passed_over<'a>(
        &self,
        mut decision: Decision,
        rung: &Rung,
        providers: impl Iterator<Item = &'a String>,
        now: Timestamp,
    ) -> Decision {
        for provider in providers {
            if let Some(why) = self.routes.why_not(provider, rung.channel, rung.region, now) {
                decision.pass_over(provider, why);
            }
        }
        decision
    }
}

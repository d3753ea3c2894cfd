//! The arms of one channel and country: what each is believed to be, and how the offers of a request compare.

use std::collections::BTreeMap;

use super::{
    Offer, Request,
    belief::{Belief, Learned, follow},
    choice::{choose, stand},
    decision::{Candidate, Verdict},
    delay::{Delay, HORIZON_MILLIS, millis},
    observation::{End, Observation},
    suspicion::{self, Event},
    window::Window,
};
use crate::{clock::Timestamp, price::Price};

/// A belief is used for so long before the rows are read again.
const FRESH_MILLIS: i64 = 300;
/// The same for one that no new row has touched: only its pending attempts grow older.
const UNTOUCHED_MILLIS: i64 = 2_000;
/// Receipts are held against sign-ins this often.
const SUSPICION_MILLIS: i64 = 5_000;
/// How far an arm trusts what its provider does in other countries.
const ELSEWHERE: f32 = 0.6;
/// Accepted and refused messages that the cost ranking looks back on.
const ACCEPTED_OF: usize = 200;

/// One provider of the group.
#[derive(Debug, Default)]
struct Arm {
    window: Window,
    touched: bool,
    learned: Option<(Timestamp, Learned)>,
    prior: Option<(Timestamp, Belief)>,
    suspect: bool,
}

/// The arms of one channel and country.
#[derive(Debug, Default)]
pub(super) struct Group {
    arms: BTreeMap<String, Arm>,
    judged_at: Option<Timestamp>,
}

impl Group {
    pub(super) fn observe(&mut self, seen: &Observation) {
        if !self.arms.contains_key(&seen.provider) {
            self.arms.insert(seen.provider.clone(), Arm::default());
        }
        if let Some(arm) = self.arms.get_mut(&seen.provider) {
            arm.touched |= arm.window.observe(seen);
        }
    }

    /// Brings what is believed of the offered arms up to date.
    pub(super) fn learn(
        &mut self,
        request: &Request<'_>,
        everywhere: &BTreeMap<String, Window>,
        delay: &Delay,
        events: &mut Vec<Event>,
    ) {
        for offer in request.offers {
            if !self.arms.contains_key(offer.provider) {
                self.arms.insert(offer.provider.to_owned(), Arm::default());
            }
            if let Some(arm) = self.arms.get_mut(offer.provider) {
                arm.learn(request, everywhere.get(offer.provider), delay);
            }
        }
        if self.judged_at.is_none_or(|at| !fresh(at, request.now, SUSPICION_MILLIS)) {
            self.judged_at = Some(request.now);
            self.judge(request, events);
        }
    }

    /// Holds every arm's receipts against its sign-ins.
    fn judge(&mut self, request: &Request<'_>, events: &mut Vec<Event>) {
        let learned = |arm: &Arm| arm.learned.as_ref().map(|(_, learned)| learned.clone());
        let known: Vec<(String, Learned)> =
            self.arms.iter().filter_map(|(name, arm)| Some((name.clone(), learned(arm)?))).collect();
        for (name, arm) in &mut self.arms {
            let Some(claimed) = suspicion::claimed(&arm.window, request.now) else { continue };
            let best = known.iter().filter(|(other, of)| other != name && of.weight >= 50.0);
            let best = best.max_by(|(_, a), (_, b)| a.belief.mean().total_cmp(&b.belief.mean()));
            let (Some((_, others)), Some((_, own))) = (best, &arm.learned) else { continue };
            let suspect = suspicion::suspect(own, claimed, others);
            if suspect != arm.suspect {
                arm.suspect = suspect;
                events.push(Event {
                    provider: name.clone(),
                    channel: request.channel,
                    region: Event::region(request.region),
                    suspect,
                    delivered: claimed,
                    approved: own.belief.mean(),
                    others: others.belief.mean(),
                    at: request.now,
                });
            }
        }
    }
}

/// Whether what was made at `at` is good for some time yet. A clock that went back makes everything stale.
fn fresh(at: Timestamp, now: Timestamp, life_millis: i64) -> bool {
    at <= now && millis(at, now) < life_millis
}

impl Arm {
    fn learn(&mut self, request: &Request<'_>, everywhere: Option<&Window>, delay: &Delay) {
        let life = if self.touched { FRESH_MILLIS } else { UNTOUCHED_MILLIS };
        if self.learned.as_ref().is_some_and(|(at, _)| fresh(*at, request.now, life)) {
            return;
        }
        let prior = match self.prior.take().filter(|(at, _)| fresh(*at, request.now, HORIZON_MILLIS / 60)) {
            Some(prior) => prior,
            None => (request.now, Self::prior(request, everywhere, delay)),
        };
        let mut learned = follow(self.window.rows(), &prior.1, delay, request.now);
        let idle = learned.last.map_or(0, |last| millis(last, request.now));
        learned.belief = learned.belief.aged(idle, &prior.1);
        self.prior = Some(prior);
        self.learned = Some((request.now, learned));
        self.touched = false;
    }

    /// What is believed before anything was seen here: partly what the provider does in other countries.
    fn prior(request: &Request<'_>, everywhere: Option<&Window>, delay: &Delay) -> Belief {
        let anything = Belief::anything();
        let elsewhere = || {
            let rows = everywhere.into_iter().flat_map(Window::rows);
            rows.filter(|row| row.region != request.region)
        };
        if elsewhere().next().is_none() {
            return anything;
        }
        anything.mixed(&follow(elsewhere(), &anything, delay, request.now).belief, ELSEWHERE)
    }

    /// The share of its newest messages that it did not refuse; one of each is assumed, so that none is certain.
    fn accepted(&self) -> (f64, f64) {
        let newest = || self.window.rows().rev().take(ACCEPTED_OF);
        let refused = newest().filter(|row| matches!(row.end, Some((End::Refused, _)))).count();
        #[expect(clippy::cast_precision_loss, reason = "at most 200")]
        let (all, refused) = (newest().count() as f64, refused as f64);
        ((all - refused + 1.0) / (all + 1.0), all)
    }
}

/// A group as one request sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scored<'a> {
    pub(super) group: &'a Group,
    pub(super) lost_person: Option<Price>,
}

impl Scored<'_> {
    pub(super) fn by_priority(&self, request: &Request<'_>) -> Vec<Candidate> {
        request.offers.iter().map(|offer| self.candidate(offer)).collect()
    }

    pub(super) fn by_cost(&self, request: &Request<'_>) -> Vec<Candidate> {
        let currency = request.offers.iter().find_map(|offer| offer.price);
        let prices = prices(request.offers, currency);
        let mut candidates: Vec<Candidate> = Vec::new();
        for (offer, (price, why)) in request.offers.iter().zip(prices) {
            let (share, weight) = self.arm(offer).map_or((1.0, 0.0), Arm::accepted);
            let mut candidate = self.candidate(offer);
            candidate.why = candidate.why.or(why.map(str::to_owned));
            candidate.cost = Some(rounded(price / share, 6));
            (candidate.share, candidate.weight) = (Some(rounded(share, 4)), Some(weight));
            candidates.push(candidate);
        }
        candidates.sort_by(|a, b| a.cost.unwrap_or(0.0).total_cmp(&b.cost.unwrap_or(0.0)));
        candidates
    }

    pub(super) fn by_conversion(&self, request: &Request<'_>) -> Vec<Candidate> {
        let prices = prices(request.offers, self.lost_person);
        let unknown = Learned { belief: Belief::anything(), weight: 0.0, last: None };
        let learned: Vec<&Learned> = request
            .offers
            .iter()
            .map(|offer| self.arm(offer).and_then(|arm| arm.learned.as_ref()).map_or(&unknown, |(_, of)| of))
            .collect();
        let arms: Vec<(f64, &Belief)> =
            prices.iter().zip(&learned).map(|((price, _), learned)| (*price, &learned.belief)).collect();
        let lost = self.lost_person.map_or(0.0, units);
        let (leader, standings) = stand(&arms, lost);
        let first = choose(leader, &standings, request.seed);
        let mut order: Vec<usize> = (0..arms.len()).collect();
        order.sort_by(|a, b| standings[*a].cost.total_cmp(&standings[*b].cost));
        order.sort_by_key(|arm| *arm != first);
        let candidate = |arm: usize| {
            let mut candidate = self.candidate(&request.offers[arm]);
            let demoted = candidate.verdict == Verdict::Suspect && arm == leader;
            if arm == first && !demoted {
                candidate.verdict = if arm == leader { Verdict::Chosen } else { Verdict::Explored };
            }
            candidate.why = candidate.why.or(prices[arm].1.map(str::to_owned));
            candidate.cost = Some(rounded(standings[arm].cost, 6));
            candidate.share = Some(rounded(learned[arm].belief.mean(), 4));
            candidate.weight = Some(rounded(learned[arm].weight, 1));
            candidate.best = Some(rounded(standings[arm].best, 4));
            candidate
        };
        order.into_iter().map(candidate).collect()
    }

    fn arm(&self, offer: &Offer<'_>) -> Option<&Arm> {
        self.group.arms.get(offer.provider)
    }

    fn candidate(&self, offer: &Offer<'_>) -> Candidate {
        let suspect = self.arm(offer).is_some_and(|arm| arm.suspect);
        let verdict = if suspect { Verdict::Suspect } else { Verdict::Next };
        let why = suspect.then(|| "its receipts say delivered, and nobody signs in".to_owned());
        let price = offer.price.map(|price| price.to_string());
        Candidate { why, price, ..Candidate::of(offer.provider.to_owned(), verdict) }
    }
}

/// What every offer costs, in units of one currency; one that cannot be compared costs as much as the dearest that can.
fn prices(offers: &[Offer<'_>], currency: Option<Price>) -> Vec<(f64, Option<&'static str>)> {
    let comparable = |offer: &Offer<'_>| {
        offer.price.filter(|price| currency.is_none_or(|currency| price.same_currency(currency))).map(units)
    };
    let dearest = offers.iter().filter_map(comparable).fold(0.0, f64::max);
    let price = |offer: &Offer<'_>| match (comparable(offer), offer.price) {
        (Some(price), _) => (price, None),
        (None, Some(_)) => (dearest, Some("priced in another currency, taken for the dearest")),
        (None, None) => (dearest, Some("price not known, taken for the dearest")),
    };
    offers.iter().map(price).collect()
}

#[expect(clippy::cast_precision_loss, reason = "prices of messages are small")]
fn units(price: Price) -> f64 {
    price.micros() as f64 / 1e6
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

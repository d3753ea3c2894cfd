//! Whose code a verification has: ours, or that of a checker, a provider that makes and checks its own.
//!
//! Decided once, when it is started, and written down with it: the two never mix, whatever fails. A checker that comes first
//! is the plan's only route; one that comes later, or that cannot be used while another can, is passed over. A resend of
//! a verification with a checker goes through that checker, which sends its own code again, and nowhere else.

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    plan::{Availability, Route},
    ports::store::OptOuts,
    ranking::Decision,
    recipient::Recipient,
    verification::{Personal, Verification},
};

use super::{choice::Occasion, routes::Rung};
use crate::Engine;

/// Why a checker is not tried.
const NOT_BESIDE_OURS: &str = "it makes its own codes: only as the only route";
/// Why nobody else is.
const NOT_BESIDE_A_CHECKER: &str = "the first makes its own codes: it is the only route";

/// The caller's own words that no checker's code can stand for, and there is nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OnlyCheckers;

impl Engine {
    /// The routes of a new verification. Decides whose code it gets, and leaves the channels in its ladder that can carry it.
    pub(crate) fn settle(
        &self,
        occasion: Occasion<'_>,
        row: &mut Verification,
        personal: &Personal,
    ) -> Result<Vec<Rung>, OnlyCheckers> {
        let addressed = row.ladder.iter().filter_map(|c| Some((*c, personal.recipient_for(*c)?)));
        let mut rungs = self.choose(occasion, addressed);
        if !self.routes.has_checkers() {
            return Ok(rungs);
        }
        if row.subject.is_some() {
            return Ok(self.without_checkers(rungs));
        }
        let must_be_ours = row.custom_code.is_some() || personal.transaction.is_some();
        if let Some((channel, checker)) = self.checker(&rungs, occasion.now).filter(|_| !must_be_ours) {
            only(&mut rungs, channel, &checker);
            rungs.retain(|rung| rung.channel == channel);
            row.vendor_check = Some(checker);
            row.ladder = vec![channel];
            return Ok(rungs);
        }
        let served: Vec<Channel> =
            rungs.iter().filter(|r| !r.providers.is_empty()).map(|rung| rung.channel).collect();
        let rungs = self.without_checkers(rungs);
        let is_left = |channel: &Channel| {
            rungs.iter().any(|rung| rung.channel == *channel && !rung.providers.is_empty())
        };
        row.ladder.retain(|channel| is_left(channel) || !served.contains(channel));
        if row.ladder.is_empty() { Err(OnlyCheckers) } else { Ok(rungs) }
    }

    /// The route that is to be the only one.
    fn checker(&self, rungs: &[Rung], now: Timestamp) -> Option<(Channel, String)> {
        let first = rungs.iter().find(|rung| !rung.providers.is_empty())?;
        let name = first.providers.first().filter(|name| self.routes.is_checker(name))?;
        let routes = self.routes.routes(rungs, &OptOuts::default(), now);
        let works = |route: &Route| matches!(route.availability, Availability::Free | Availability::Probe);
        let checker_works = routes
            .iter()
            .any(|route| route.channel == first.channel && route.provider == *name && works(route));
        let ours_works = routes.iter().any(|route| !self.routes.is_checker(&route.provider) && works(route));
        (checker_works || !ours_works).then(|| (first.channel, name.clone()))
    }

    /// The rungs of a verification of ours.
    pub(crate) fn without_checkers(&self, mut rungs: Vec<Rung>) -> Vec<Rung> {
        if self.routes.has_checkers() {
            for rung in &mut rungs {
                keep_only(rung, NOT_BESIDE_OURS, |name| !self.routes.is_checker(name));
            }
        }
        rungs
    }

    /// The rungs of a verification whose code a provider makes.
    pub(crate) fn only_through(
        &self,
        checker: &str,
        ladder: impl IntoIterator<Item = (Channel, Recipient)>,
    ) -> Vec<Rung> {
        let served = ladder.into_iter().filter(|(channel, _)| self.routes.serves_through(checker, *channel));
        let rung = |(channel, to): (Channel, Recipient)| Rung {
            channel,
            region: to.region(),
            providers: vec![checker.to_owned()],
            decision: None,
        };
        served.map(rung).collect()
    }

    /// The rungs as a new verification would walk them, with why the others are not tried.
    pub(crate) fn settled(&self, mut rungs: Vec<Rung>, now: Timestamp) -> Vec<Rung> {
        let Some((channel, checker)) = self.checker(&rungs, now) else { return self.without_checkers(rungs) };
        only(&mut rungs, channel, &checker);
        rungs
    }
}

/// Leaves one route.
fn only(rungs: &mut [Rung], channel: Channel, checker: &str) {
    for rung in rungs {
        let here = rung.channel == channel;
        keep_only(rung, NOT_BESIDE_A_CHECKER, |name| here && name == checker);
    }
}

/// Takes the providers out of a rung that do not `stay`.
fn keep_only(rung: &mut Rung, why: &str, stay: impl Fn(&str) -> bool) {
    let (kept, gone): (Vec<String>, Vec<String>) = rung.providers.drain(..).partition(|name| stay(name));
    if !gone.is_empty() {
        let decision = rung.decision.get_or_insert_with(|| Decision::of_one(gone.first()));
        for name in &gone {
            decision.pass_over(name, why);
        }
    }
    rung.providers = kept;
}

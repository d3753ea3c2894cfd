//! The ordered routes of a delivery, and what comes after an outcome.
//!
//! [`next`] is a pure function of what was tried and what is free now. A worker that died and one that took over after
//! it come to the same next step, because both ask the same function about the same rows.
//!
//! The rules: providers of a channel in order, then the next channel. A definite refusal or an unknown moves on. An
//! attempt past `hedge_after` gets company from another provider of the *same* channel. A message that a vendor took and of
//! which nothing more was heard moves on too, once, where receipts are arriving at all. When every route was tried, the
//! plan begins again after 2, 4, 8 s and so on, without end where vendors surely refused, twice per provider where
//! nobody knows. Nothing is sent with under 30 s of life left, and no more than six messages in all.

use std::time::Duration;

use crate::{
    attempt::AttemptState,
    channel::Channel,
    clock::Timestamp,
    outcome::{Reason, Rejection},
};

/// Less life than this is not worth a message: it would arrive dead.
pub const LEAST_LIFE: Duration = Duration::from_secs(30);
/// Messages to one person for one verification, counting those that nobody knows of.
pub const MAX_MESSAGES: usize = 6;
/// Attempts at one provider that may end unknown.
const MAX_UNKNOWN: usize = 2;
/// The longest wait between two rounds.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);

/// Whether a route may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Go.
    Free,
    /// Its breaker is half open: go, with another route beside it.
    Probe,
    /// Its breaker is open until then; if all are, the one due soonest is tried anyway.
    HeldBack(Timestamp),
    /// Its own limit is used up until then; never passed.
    Exhausted(Timestamp),
    /// Not for this recipient or country.
    Closed,
}

/// A channel through a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// How the code travels.
    pub channel: Channel,
    /// Through whom, by the configured name.
    pub provider: String,
    /// Whether it may be used now.
    pub availability: Availability,
}

/// An attempt as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// How it travelled.
    pub channel: Channel,
    /// Through whom.
    pub provider: String,
    /// In which round of this delivery; `None` for an earlier delivery of the same verification.
    pub round: Option<u32>,
    /// Where it stands.
    pub state: AttemptState,
    /// The refusal, where there was one.
    pub rejection: Option<Rejection>,
    /// When it was written down.
    pub started_at: Timestamp,
    /// When its answer was.
    pub finished_at: Option<Timestamp>,
    /// When an attempt that was taken counts as silent; `None`: never, since nothing is told of this route.
    pub silent_at: Option<Timestamp>,
}

/// The facts that the next step depends on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The routes in order of the ladder and, within a channel, of the ranking.
    pub routes: &'a [Route],
    /// What was tried, oldest first.
    pub tried: &'a [Tried],
    /// Whether our own data says that the number exists, so that one "no such number" deserves a second opinion.
    pub second_opinion: bool,
    /// When another provider of the channel starts beside one that does not answer.
    pub hedge_after: Duration,
    /// When the code dies.
    pub expires_at: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send over these routes (indices into the situation's routes), in this round.
    Send {
        /// One route, or a probe and the route that goes out with it.
        routes: Vec<usize>,
        /// The round that the attempts belong to.
        round: u32,
    },
    /// Ask again when an attempt answers, or at this moment if that is given.
    Wait {
        /// When to ask again at the latest.
        until: Option<Timestamp>,
    },
    /// A vendor has it: done, unless a receipt says otherwise.
    Sent,
    /// Nothing more can be done for this delivery.
    Undeliverable,
}

/// Says what to do next. Pure: the same situation always gives the same step.
pub fn next(situation: &Situation<'_>) -> Step {
    let ours = || situation.tried.iter().filter(|tried| tried.round.is_some());
    let taken: Vec<&Tried> = ours()
        .filter(|tried| matches!(tried.state, AttemptState::Accepted | AttemptState::Delivered))
        .collect();
    if let [latest] = taken[..]
        && is_silent(latest, situation.now)
    {
        return escalate(situation, latest);
    }
    if !taken.is_empty() {
        return Step::Sent;
    }
    let in_flight: Vec<&Tried> = ours().filter(|tried| tried.state == AttemptState::Sending).collect();
    let messages = situation.tried.iter().filter(|tried| tried.state.may_have_reached()).count();
    let too_late = situation.now + LEAST_LIFE > situation.expires_at;
    let may_send = !too_late && messages < MAX_MESSAGES;
    let round = ours().filter_map(|tried| tried.round).max().unwrap_or(0);

    if let Some(latest) = in_flight.iter().max_by_key(|tried| tried.started_at) {
        return if may_send { hedge(situation, latest, round) } else { Step::Wait { until: None } };
    }
    if !may_send || !situation.routes.iter().any(|route| usable(situation, route)) {
        return Step::Undeliverable;
    }
    if let Some(routes) = pick(situation, round, messages) {
        return Step::Send { routes, round };
    }
    next_round(situation, round, messages)
}

/// Whether a message was taken, and neither a receipt nor a check came in the time that they take.
fn is_silent(tried: &Tried, now: Timestamp) -> bool {
    tried.state == AttemptState::Accepted && tried.silent_at.is_some_and(|at| now >= at)
}

/// What comes after a silent message: the next free route that was not tried, once. Nobody's telephone rings for it.
fn escalate(situation: &Situation<'_>, silent: &Tried) -> Step {
    let messages = situation.tried.iter().filter(|tried| tried.state.may_have_reached()).count();
    let too_late = situation.now + LEAST_LIFE > situation.expires_at;
    // Of this delivery: nobody tells us how another one's ends.
    let in_flight = |tried: &Tried| tried.round.is_some() && tried.state == AttemptState::Sending;
    if situation.tried.iter().any(in_flight) {
        return Step::Wait { until: None };
    }
    if too_late || messages >= MAX_MESSAGES {
        return Step::Sent;
    }
    let round = silent.round.unwrap_or(0);
    let next = order(situation).into_iter().find(|index| {
        let route = &situation.routes[*index];
        route.availability == Availability::Free
            && route.channel != Channel::Voice
            && usable(situation, route)
            && !tried_in(situation, route, round)
    });
    next.map_or(Step::Sent, |index| Step::Send { routes: vec![index], round })
}

fn hedge(situation: &Situation<'_>, latest: &Tried, round: u32) -> Step {
    let free = situation.routes.iter().position(|route| {
        route.channel == latest.channel
            && route.availability == Availability::Free
            && usable(situation, route)
            && !tried_in(situation, route, round)
    });
    let due = latest.started_at + situation.hedge_after;
    match free {
        Some(route) if situation.now >= due => Step::Send { routes: vec![route], round },
        Some(_) => Step::Wait { until: Some(due) },
        None => Step::Wait { until: None },
    }
}

/// The route to send over in this round, if one is left: the first that is free, or a probe with company, or, when
/// breakers hold back every route, the one due soonest.
fn pick(situation: &Situation<'_>, round: u32, messages: usize) -> Option<Vec<usize>> {
    let left = || {
        let order = order(situation);
        order.into_iter().filter(|index| {
            let route = &situation.routes[*index];
            usable(situation, route) && !tried_in(situation, route, round)
        })
    };
    let availability = |index: &usize| situation.routes[*index].availability;
    let first = left().find(|index| matches!(availability(index), Availability::Free | Availability::Probe));
    if let Some(first) = first {
        if availability(&first) == Availability::Free {
            return Some(vec![first]);
        }
        let channel = situation.routes[first].channel;
        let company = left()
            .filter(|index| *index != first && availability(index) == Availability::Free)
            .min_by_key(|index| situation.routes[*index].channel != channel);
        if messages + 1 >= MAX_MESSAGES {
            // One message is left, and a probe never risks a person.
            return Some(vec![company.unwrap_or(first)]);
        }
        return Some(std::iter::once(first).chain(company).collect());
    }
    let nothing_tried = !situation.tried.iter().any(|tried| tried.round == Some(round));
    let due = left().filter_map(|index| match availability(&index) {
        Availability::HeldBack(until) => Some((until, index)),
        _ => None,
    });
    if nothing_tried { due.min().map(|(_, index)| vec![index]) } else { None }
}

fn next_round(situation: &Situation<'_>, round: u32, messages: usize) -> Step {
    let ended =
        situation.tried.iter().filter(|tried| tried.round == Some(round)).filter_map(|t| t.finished_at).max();
    // A round in which nothing could even be tried (own limits are used up) counts from its latest possible start.
    let from = ended.unwrap_or(situation.now);
    let pause = Duration::from_secs(1_u64 << (round + 1).min(6)).min(LONGEST_PAUSE);
    let begins = match ended {
        Some(_) => from + pause,
        None => soonest_exhausted(situation).unwrap_or(from + pause),
    };
    if begins + LEAST_LIFE > situation.expires_at {
        return Step::Undeliverable;
    }
    if situation.now < begins {
        return Step::Wait { until: Some(begins) };
    }
    match pick(situation, round + 1, messages) {
        Some(routes) => Step::Send { routes, round: round + 1 },
        None => match soonest_exhausted(situation) {
            Some(until) if until + LEAST_LIFE <= situation.expires_at => Step::Wait { until: Some(until) },
            _ => Step::Undeliverable,
        },
    }
}

fn soonest_exhausted(situation: &Situation<'_>) -> Option<Timestamp> {
    let limited = situation.routes.iter().filter(|route| usable(situation, route)).filter_map(|route| {
        match route.availability {
            Availability::Exhausted(until) => Some(until),
            _ => None,
        }
    });
    limited.min()
}

/// The routes as they stand in the plan; within a channel, those that an earlier delivery already went over come last:
/// whoever asks again did not get it there.
fn order(situation: &Situation<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..situation.routes.len()).collect();
    let rank = |channel: Channel| situation.routes.iter().position(|route| route.channel == channel);
    order.sort_by_key(|index| {
        let route = &situation.routes[*index];
        let used = situation.tried.iter().filter(|tried| {
            tried.round.is_none() && same_route(tried, route) && tried.state.may_have_reached()
        });
        (rank(route.channel), used.count())
    });
    order
}

fn same_route(tried: &Tried, route: &Route) -> bool {
    tried.channel == route.channel && tried.provider == route.provider
}

fn tried_in(situation: &Situation<'_>, route: &Route, round: u32) -> bool {
    situation.tried.iter().any(|tried| tried.round == Some(round) && same_route(tried, route))
}

/// Whether anything may still be sent over `route` for this verification.
fn usable(situation: &Situation<'_>, route: &Route) -> bool {
    if route.availability == Availability::Closed {
        return false;
    }
    let unknown = situation
        .tried
        .iter()
        .filter(|tried| tried.provider == route.provider && tried.state == AttemptState::Unknown);
    if unknown.count() >= MAX_UNKNOWN {
        return false;
    }
    let refusals = || {
        let channel = situation.tried.iter().filter(|tried| tried.channel == route.channel);
        channel.filter_map(|tried| tried.rejection.map(|rejection| (tried, rejection.reason)))
    };
    if voice_waits(situation, route) {
        return false;
    }
    let opinions_needed = if situation.second_opinion { 2 } else { 1 };
    let invalid = refusals().filter(|(_, reason)| *reason == Reason::InvalidRecipient).count();
    let final_here = refusals().any(|(tried, reason)| {
        reason == Reason::NotOnChannel
            || (same_route(tried, route) && matches!(reason, Reason::InvalidRecipient | Reason::OptedOut))
    });
    invalid < opinions_needed && !final_here
}

/// Nobody's telephone rings because a text message is late: a call that was not asked for first comes only after
/// everything before it definitely failed.
fn voice_waits(situation: &Situation<'_>, route: &Route) -> bool {
    let asked_for_first = situation.routes.first().is_some_and(|first| first.channel == Channel::Voice);
    route.channel == Channel::Voice
        && !asked_for_first
        && situation.tried.iter().any(|tried| tried.round.is_some() && tried.state == AttemptState::Unknown)
}

#[cfg(test)]
mod tests;

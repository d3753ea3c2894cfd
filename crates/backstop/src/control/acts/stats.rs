//! What became of messages and verifications in a span: who got in, over what, and what the vendors answered.

use std::{collections::BTreeMap, time::Duration};

use backstop_domain::{
    attempt::AttemptState,
    channel::Channel,
    ports::store::{Standing, Usage},
    verification::Status,
};

use super::providers::is_taken;
use crate::{
    control::protocol::{ChannelStats, ControlReply, OutcomeRow, PurposeRow, StatsReply},
    wiring::Installation,
};

/// Counts.
pub(super) async fn stats(installation: &Installation, since_seconds: u64) -> anyhow::Result<ControlReply> {
    let to = installation.clock.now();
    let from = to - Duration::from_secs(since_seconds);
    let usage = installation.engine.usage(from, to).await?;
    let standings = installation.engine.standings(from, to).await?;
    Ok(ControlReply::Stats(StatsReply {
        from: from.to_rfc3339(),
        to: to.to_rfc3339(),
        purposes: purposes(&standings),
        channels: channels(&usage),
        outcomes: outcomes(&usage),
    }))
}

fn purposes(standings: &[Standing]) -> Vec<PurposeRow> {
    let mut rows: BTreeMap<&str, PurposeRow> = BTreeMap::new();
    for alike in standings {
        let purpose = alike.purpose.as_str();
        let row = rows.entry(purpose).or_insert_with(|| PurposeRow {
            purpose: purpose.to_owned(),
            started: 0,
            approved: 0,
            pending: 0,
        });
        row.started += alike.count;
        match alike.status {
            Status::Approved => row.approved += alike.count,
            Status::Pending => row.pending += alike.count,
            Status::Canceled | Status::Expired | Status::MaxChecksReached => {}
        }
    }
    rows.into_values().collect()
}

fn channels(usage: &[Usage]) -> Vec<ChannelStats> {
    let mut rows: BTreeMap<Channel, ChannelStats> = BTreeMap::new();
    for alike in usage.iter().filter(|alike| is_taken(alike.state)) {
        let row = rows.entry(alike.channel).or_insert(ChannelStats {
            channel: alike.channel,
            accepted: 0,
            delivered: 0,
            approved: 0,
        });
        row.accepted += alike.count;
        row.delivered += if alike.state == AttemptState::Delivered { alike.count } else { 0 };
        row.approved += if alike.approved { alike.count } else { 0 };
    }
    rows.into_values().collect()
}

/// What each vendor answered, the most frequent first.
fn outcomes(usage: &[Usage]) -> Vec<OutcomeRow> {
    let mut rows: BTreeMap<(&str, Channel, &str), OutcomeRow> = BTreeMap::new();
    for alike in usage {
        let outcome = alike.outcome.as_deref().unwrap_or("no answer yet");
        let row = rows.entry((&alike.provider, alike.channel, outcome)).or_insert_with(|| OutcomeRow {
            provider: alike.provider.clone(),
            channel: alike.channel,
            outcome: outcome.to_owned(),
            count: 0,
            delivered: 0,
            undelivered: 0,
        });
        row.count += alike.count;
        match alike.state {
            AttemptState::Delivered => row.delivered += alike.count,
            AttemptState::Undelivered => row.undelivered += alike.count,
            AttemptState::Sending
            | AttemptState::Accepted
            | AttemptState::Rejected
            | AttemptState::Unknown => {}
        }
    }
    let mut rows: Vec<OutcomeRow> = rows.into_values().collect();
    rows.sort_by(|one, other| {
        (&one.provider, one.channel, other.count).cmp(&(&other.provider, other.channel, one.count))
    });
    rows
}

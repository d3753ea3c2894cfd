//! `backstop stats`: who got in, over what, and what the vendors answered, in a span of time.

use std::time::Duration;

use clap::Args;

use super::{
    Answer, Exit,
    providers::figures::share,
    screen::{Style, columns},
};
use crate::control::protocol::{ControlReply, ControlRequest, StatsReply};

/// The longest span: what is older was forgotten by every store that keeps to the defaults.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Since when.
#[derive(Debug, Args)]
#[command(
    after_help = "What has not been answered or checked yet counts as it stands now: a code of a minute ago is no failure, and \
                  not yet a success.\n\nExamples:\n  backstop stats\n  backstop stats --since 1h\n  backstop stats --since 7d --json"
)]
pub struct StatsArguments {
    /// How far back: 30m, 24h, 7d
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = span)]
    pub since: Duration,
}

fn span(text: &str) -> Result<Duration, String> {
    let span =
        humantime::parse_duration(text).map_err(|_| "a span is written as 30m, 24h or 7d".to_owned())?;
    if span.as_secs() == 0 || span > LONGEST {
        return Err("a span is a second to a year long".to_owned());
    }
    Ok(span)
}

impl StatsArguments {
    /// The request.
    pub fn request(self) -> ControlRequest {
        ControlRequest::Stats { since_seconds: self.since.as_secs() }
    }
}

/// Three tables.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Stats(stats) = reply else { return None };
    if stats.purposes.is_empty() && stats.outcomes.is_empty() {
        return Some(Answer::new(format!("nothing was started since {}", stats.from), Exit::Well));
    }
    let title = |cells: &[&str]| cells.iter().map(|cell| style.muted(cell)).collect::<Vec<_>>();
    let blocks = [
        (title(&["purpose", "started", "got in", "share", "still open"]), purposes(stats)),
        (title(&["channel", "accepted", "arrived", "got in", "share"]), channels(stats)),
        (title(&["provider", "channel", "answer", "count", "arrived", "did not"]), outcomes(stats)),
    ];
    let blocks = blocks.into_iter().filter(|(_, rows)| !rows.is_empty());
    let blocks = blocks.map(|(title, rows)| columns(&[vec![title], rows].concat(), ""));
    Some(Answer::new(blocks.collect::<Vec<_>>().join("\n\n"), Exit::Well))
}

fn purposes(stats: &StatsReply) -> Vec<Vec<String>> {
    let row = |row: &crate::control::protocol::PurposeRow| {
        let counts = [row.started, row.approved].map(|count| count.to_string());
        let [started, approved] = counts;
        vec![
            row.purpose.clone(),
            started,
            approved,
            share(row.approved, row.started),
            row.pending.to_string(),
        ]
    };
    stats.purposes.iter().map(row).collect()
}

fn channels(stats: &StatsReply) -> Vec<Vec<String>> {
    let row = |row: &crate::control::protocol::ChannelStats| {
        let [accepted, delivered, approved] =
            [row.accepted, row.delivered, row.approved].map(|count| count.to_string());
        vec![row.channel.to_string(), accepted, delivered, approved, share(row.approved, row.accepted)]
    };
    stats.channels.iter().map(row).collect()
}

fn outcomes(stats: &StatsReply) -> Vec<Vec<String>> {
    let some = |count: u64| if count == 0 { String::new() } else { count.to_string() };
    let row = |row: &crate::control::protocol::OutcomeRow| {
        vec![
            row.provider.clone(),
            row.channel.to_string(),
            row.outcome.clone(),
            row.count.to_string(),
            some(row.delivered),
            some(row.undelivered),
        ]
    };
    stats.outcomes.iter().map(row).collect()
}

//! `backstop costs`: what a month's messages cost, and what they would have cost in another order.

use clap::Args;

use super::{
    Answer, Exit,
    screen::{Style, columns},
};
use crate::control::protocol::{ChannelCosts, ControlReply, ControlRequest, CostRow};

/// Of which month.
#[derive(Debug, Args)]
#[command(
    after_help = "Counts what a vendor surely took, at the vendor's own price where it said one, else at the configured one. Of \
                  a free tier the cheapest messages are held to be free.\n\n\
                  Examples:\n  backstop costs\n  backstop costs --month 2026-11\n  backstop costs --json"
)]
pub struct CostsArguments {
    /// The calendar month (UTC), such as 2026-11 [default: this one]
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
}

impl CostsArguments {
    /// The request.
    pub fn request(self) -> ControlRequest {
        ControlRequest::Costs { month: self.month }
    }
}

/// A block for each channel, and the sum.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Costs(costs) = reply else { return None };
    let mut blocks: Vec<String> = costs.channels.iter().map(|channel| block(channel, style)).collect();
    if blocks.is_empty() {
        blocks.push(format!("nothing was sent in {}", costs.month));
    } else {
        let total = if costs.totals.is_empty() { "not known".to_owned() } else { costs.totals.join(" and ") };
        let known = costs.channels.iter().flat_map(|channel| &channel.providers);
        let gaps = known.filter(|row| row.sends > 0 && row.cost.is_none()).count();
        let gap = if gaps == 0 { "" } else { ", without what has no known price" };
        blocks.push(format!("{} in all: {total}{gap}", costs.month));
    }
    let answer = Answer::new(blocks.join("\n\n"), Exit::Well);
    if costs.is_partial {
        let hint = "a part of this month is older than store.retention and forgotten: it cost more";
        return Some(answer.with_hint(hint));
    }
    Some(answer)
}

fn block(costs: &ChannelCosts, style: Style) -> String {
    let title = [costs.channel.as_str(), "sends", "free", "price", "cost", "unknown"];
    let mut rows = vec![title.map(|cell| style.muted(cell)).to_vec()];
    rows.extend(costs.providers.iter().map(row));
    let mut text = columns(&rows, "");
    for instead in &costs.instead {
        let line = match (&instead.cost, &instead.saving) {
            (Some(cost), Some(saving)) => {
                format!("{} first: {cost}, which saves {saving}", instead.provider)
            }
            (Some(cost), None) => format!("{} first: {cost}", instead.provider),
            (None, _) => format!("{} first: not known from its prices", instead.provider),
        };
        text.push_str(&format!("\n  {}", style.muted(&line)));
    }
    text
}

fn row(row: &CostRow) -> Vec<String> {
    let prices = match row.prices.as_slice() {
        [] => "-".to_owned(),
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        prices => prices.join(", "),
    };
    vec![
        row.provider.clone(),
        row.sends.to_string(),
        row.free.to_string(),
        prices,
        row.cost.clone().unwrap_or_else(|| "not known".to_owned()),
        if row.unknown == 0 { String::new() } else { row.unknown.to_string() },
    ]
}

//! `backstop providers`: how the configured ones are, and what an operator can do to one.

pub mod done;
pub(super) mod figures;
pub mod kinds;

use backstop_domain::channel::Channel;
use clap::{Args, Subcommand};

use self::figures::{seconds, share};
use super::{
    Answer, Exit,
    screen::{Style, columns},
};
use crate::control::protocol::{
    ControlReply, ControlRequest, CreditRow, Figures, Level, Private, ProviderRow, SpendRow,
};

/// What to show.
#[derive(Debug, Args)]
#[command(
    after_help = "ACCEPTED counts what the vendor took of all that it was handed; GOT IN, of what it took, the codes that let \
                  a person in. Credit is watched where credit_floor is set, spend where a limit or a free tier is.\n\n\
                  Exit code 0 if every provider may be tried, 1 if one is held back that nobody switched off.\n\n\
                  Examples:\n  backstop providers\n  backstop providers --receipts\n  backstop providers disable twilio-main\n  \
                  backstop providers test twilio-main --to +919876543210\n  backstop providers --json"
)]
pub struct ProvidersArguments {
    /// Also print where each vendor is to send its receipts, for the vendor's panel
    #[arg(long)]
    pub receipts: bool,
    /// What to do instead.
    #[command(subcommand)]
    pub command: Option<ProvidersCommand>,
}

/// What can be done with providers.
#[derive(Debug, Subcommand)]
pub enum ProvidersCommand {
    /// List the kinds of providers, and the keys that each takes
    #[command(after_help = "Examples:\n  backstop providers kinds\n  backstop providers kinds --json")]
    Kinds,
    /// Use a provider again, on every node
    #[command(after_help = "Examples:\n  backstop providers enable twilio-main")]
    Enable {
        /// Its name in the configuration
        name: String,
    },
    /// Stop using a provider, on every node, until it is enabled again
    #[command(
        after_help = "What it was handed before is not taken back; its receipts are still heard.\n\nExit code 1 if nothing \
                      serves one of its channels any more.\n\nExamples:\n  backstop providers disable twilio-main"
    )]
    Disable {
        /// Its name in the configuration
        name: String,
    },
    /// Set the most that a calendar month (UTC) may cost; wins over the configuration
    #[command(
        after_help = "Nothing goes through the provider any more once the month has cost so much. Where the vendor has a limit \
                      of its own that can be set, it is set too.\n\nExit code 1 if the vendor refused its own.\n\n\
                      Examples:\n  backstop providers set-spend-limit twilio-main 100 USD\n  \
                      backstop providers set-spend-limit aws-sns 100"
    )]
    SetSpendLimit {
        /// Its name in the configuration
        name: String,
        /// The amount
        amount: String,
        /// The currency [default: that of the provider's prices]
        currency: Option<String>,
    },
    /// Look whether one provider works and, with --to, send a real code through it alone
    #[command(after_help = "Exit code 2 if it does not work or did not take the message.\n\nExamples:\n  \
                      backstop providers test twilio-main\n  backstop providers test twilio-main --to +919876543210\n  \
                      backstop providers test twilio-main --to +919876543210 --channel voice")]
    Test {
        /// Its name in the configuration
        name: String,
        /// Send a real code to this number or address
        #[arg(long, value_name = "RECIPIENT")]
        to: Option<String>,
        /// Over this of its channels
        #[arg(long, requires = "to")]
        channel: Option<Channel>,
        /// For this application; needed only where there are several
        #[arg(long)]
        application: Option<String>,
    },
    /// Have a vendor begin to verify that a sender's address is ours
    #[command(
        after_help = "The vendor writes to the address; follow the link in what it sends.\n\nExamples:\n  \
                      backstop providers verify-sender aws-ses noreply@acme.example"
    )]
    VerifySender {
        /// The provider's name in the configuration
        name: String,
        /// The address that messages come from
        address: String,
    },
}

impl ProvidersArguments {
    /// Whether the kinds are asked for, which needs no configuration.
    pub fn of_kinds(&self) -> bool {
        matches!(self.command, Some(ProvidersCommand::Kinds))
    }

    /// The request.
    pub fn request(self) -> ControlRequest {
        match self.command {
            None | Some(ProvidersCommand::Kinds) => ControlRequest::Providers,
            Some(ProvidersCommand::Enable { name }) => ControlRequest::SwitchProvider { name, enabled: true },
            Some(ProvidersCommand::Disable { name }) => {
                ControlRequest::SwitchProvider { name, enabled: false }
            }
            Some(ProvidersCommand::SetSpendLimit { name, amount, currency }) => {
                ControlRequest::SetSpendLimit { name, amount, currency }
            }
            Some(ProvidersCommand::Test { name, to, channel, application }) => {
                ControlRequest::TestProvider { name, application, to: to.map(Private::new), channel }
            }
            Some(ProvidersCommand::VerifySender { name, address }) => {
                ControlRequest::VerifySender { name, address: Private::new(address) }
            }
        }
    }
}

/// How the providers are, or what was done to one.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    table(reply, style, false).or_else(|| done::answer(reply, style))
}

/// How the providers are, and where they send receipts to.
pub fn answer_with_receipts(reply: &ControlReply, style: Style) -> Option<Answer> {
    table(reply, style, true).or_else(|| done::answer(reply, style))
}

fn table(reply: &ControlReply, style: Style, receipts: bool) -> Option<Answer> {
    let ControlReply::Providers(found) = reply else { return None };
    if found.providers.is_empty() {
        let hint = "add a [[provider]]; `backstop providers kinds` lists what there is";
        return Some(Answer::new("no provider is configured", Exit::Warning).with_hint(hint));
    }
    let held_back = |row: &ProviderRow| row.enabled && !row.switched_off && row.why_not.is_some();
    let exit = if found.providers.iter().any(held_back) { Exit::Warning } else { Exit::Well };
    let title = [
        "",
        "provider",
        "kind",
        "channels",
        "state",
        "accepted 1 h",
        "24 h",
        "got in 1 h",
        "24 h",
        "p95",
        "credit",
        "this month",
        "last error",
    ];
    let mut rows = vec![title.map(|cell| style.muted(cell)).to_vec()];
    rows.extend(found.providers.iter().map(|row| cells(row, style)));
    let mut text = columns(&rows, "");
    let closed = found.providers.iter().flat_map(|row| {
        row.closed_routes.iter().map(|route| format!("{}: the vendor refuses {route}", row.name))
    });
    for line in closed {
        text.push_str(&format!("\n{} {line}", style.lamp(Level::Warning)));
    }
    if receipts {
        text.push_str("\n\n");
        text.push_str(&addresses(&found.providers, style));
    }
    let answer = Answer::new(text, exit);
    if found.live {
        return Some(answer);
    }
    let hint = "no service answered on this machine: breakers are those that running nodes report, and what went wrong last \
                is known to them alone";
    Some(answer.with_hint(hint))
}

fn cells(row: &ProviderRow, style: Style) -> Vec<String> {
    let (lamp, state) = state(row, style);
    let accepted = |of: Figures| share(of.accepted, of.answered);
    let got_in = |of: Figures| share(of.approved, of.accepted);
    vec![
        lamp,
        row.name.clone(),
        row.kind.clone(),
        words(&row.channels),
        state,
        accepted(row.hour),
        accepted(row.day),
        got_in(row.hour),
        got_in(row.day),
        row.p95_millis.map_or("-".to_owned(), seconds),
        row.credit.as_ref().map_or("-".to_owned(), credit),
        row.spend.as_ref().map_or("-".to_owned(), spend),
        row.last_error.clone().unwrap_or_default(),
    ]
}

/// The effect, then the mechanism.
fn state(row: &ProviderRow, style: Style) -> (String, String) {
    let failures = match row.consecutive_failures {
        0 => String::new(),
        1 => ", 1 failure".to_owned(),
        many => format!(", {many} failures"),
    };
    match (row.breaker.as_str(), row.why_not.as_deref()) {
        _ if !row.enabled => (style.idle(), "off in the configuration".to_owned()),
        _ if row.switched_off => (style.idle(), "off, by an operator".to_owned()),
        ("open", _) => (style.lamp(Level::Broken), format!("stopped, breaker open{failures}")),
        ("half_open", _) => (style.trying(), "probing, breaker half open".to_owned()),
        (_, Some(why)) => (style.lamp(Level::Warning), format!("passed over: {why}")),
        (_, None) => (style.lamp(Level::Well), format!("working{failures}")),
    }
}

fn credit(row: &CreditRow) -> String {
    let low = if row.is_low { ", low" } else { "" };
    match &row.ends_at {
        Some(at) => format!("{}{low}, ends {}", row.balance, minute(at)),
        None => format!("{}{low}", row.balance),
    }
}

fn spend(row: &SpendRow) -> String {
    let spent = row.spent.as_deref().unwrap_or("nothing");
    match &row.limit {
        Some(limit) => format!("{spent} of {limit}"),
        None => spent.to_owned(),
    }
}

/// `2026-11-20 03:12` of a moment in RFC 3339.
fn minute(at: &str) -> String {
    at.get(..16).unwrap_or(at).replace('T', " ")
}

fn addresses(rows: &[ProviderRow], style: Style) -> String {
    let with = rows.iter().filter_map(|row| Some((row, row.receipts_url.as_ref()?)));
    let cells: Vec<Vec<String>> = with.map(|(row, url)| vec![style.muted(&row.name), url.clone()]).collect();
    if cells.is_empty() {
        return "no provider hears receipts, or server.public_url is not set".to_owned();
    }
    format!("Receipts go to\n{}", columns(&cells, "  "))
}

pub(super) fn words(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(", ")
}

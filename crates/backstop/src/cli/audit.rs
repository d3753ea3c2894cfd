//! `backstop audit`: whether the audit log is whole, and reading it.

use std::time::Duration;

use backstop_domain::clock::Timestamp;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Answer, Exit,
    screen::{Screen, Style},
    stranger,
};
use crate::{
    config::Config,
    control::{
        Talk,
        protocol::{AuditPageReply, AuditRow, AuditVerifyReply, ControlReply, ControlRequest, Level},
    },
};

/// How often `tail --follow` looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What to do with the audit log.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  backstop audit verify\n  backstop audit tail\n  \
                        backstop audit export > audit.jsonl")]
pub struct AuditArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What can be done with it.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Walk the whole log, and name the first record that was changed, deleted or moved
    #[command(
        after_help = "Holds it against every checkpoint in the store and in audit.checkpoint_file. Exit code 1 if it is broken.\n\n\
                      Examples:\n  backstop audit verify\n  backstop audit verify --json"
    )]
    Verify,
    /// Print the whole log with its checkpoints as lines of JSON
    #[command(after_help = "That it was taken out is recorded, and that personal details were read.\n\n\
                      Examples:\n  backstop audit export > audit.jsonl\n  backstop audit export --with-details > audit.jsonl")]
    Export {
        /// Also what is personal, as far as it is not erased
        #[arg(long)]
        with_details: bool,
    },
    /// Print the newest records
    #[command(after_help = "Examples:\n  backstop audit tail\n  backstop audit tail -n 50 --follow\n  \
                            backstop audit tail --json")]
    Tail {
        /// So many, 500 at the most
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20,
              value_parser = clap::value_parser!(u32).range(0..=500))]
        count: u32,
        /// Go on with those that come
        #[arg(short, long)]
        follow: bool,
    },
}

impl AuditArguments {
    /// Runs it.
    ///
    /// # Errors
    /// If nobody can read the log, or the output cannot be written.
    pub fn run(self, config: &Config, screen: &mut Screen) -> anyhow::Result<Exit> {
        let talk = Talk::begin(config)?;
        match self.command {
            AuditCommand::Verify => verify(&talk, screen),
            AuditCommand::Export { with_details } => export(&talk, screen, with_details),
            AuditCommand::Tail { count, follow } => tail(&talk, screen, count, follow),
        }
    }
}

fn verify(talk: &Talk, screen: &mut Screen) -> anyhow::Result<Exit> {
    let reply = talk.ask(ControlRequest::AuditVerify)?;
    let answer = match &reply {
        ControlReply::AuditVerify(verified) => answer(verified, screen.style()),
        other => return stranger(other, screen),
    };
    screen.answer(&answer, &reply)
}

/// Whether it is whole.
pub fn answer(reply: &AuditVerifyReply, style: Style) -> Answer {
    if let Some(broken) = &reply.broken {
        let lamp = style.lamp(Level::Broken);
        let text = format!("{lamp} the audit log is broken: record {} {}", broken.seq, broken.problem);
        let hint = "what was written before that record is as it was; keep a copy of the database before anything else";
        return Answer::new(text, Exit::Warning).with_hint(hint);
    }
    let count = |number: Option<u64>, word: &str| match number.unwrap_or(0) {
        1 => format!("1 {word}"),
        number => format!("{number} {word}s"),
    };
    let (records, checkpoints) = (count(reply.records, "record"), count(reply.checkpoints, "checkpoint"));
    let head = reply.head.as_deref().unwrap_or_default();
    let lamp = style.lamp(Level::Well);
    Answer::new(
        format!("{lamp} the audit log is whole: {records}, {checkpoints}\n  it ends with {head}"),
        Exit::Well,
    )
}

fn export(talk: &Talk, screen: &mut Screen, with_details: bool) -> anyhow::Result<Exit> {
    let begun = talk.ask(ControlRequest::AuditExport { with_details })?;
    let ControlReply::AuditExport(begun) = begun else { return stranger(&begun, screen) };
    let mut after = 0;
    while after < begun.until {
        let request = ControlRequest::AuditPage { after, until: Some(begun.until), with_details };
        let reply = talk.ask(request)?;
        let ControlReply::AuditPage(page) = reply else { return stranger(&reply, screen) };
        let Some(last) = page.records.last() else { break };
        after = last.seq;
        for line in lines(&page) {
            writeln!(screen.out(), "{line}")?;
        }
    }
    screen.out().flush()?;
    Ok(Exit::Well)
}

/// Each record, and behind it the checkpoint that signs it.
fn lines(page: &AuditPageReply) -> Vec<Value> {
    let mut checkpoints = page.checkpoints.iter().peekable();
    let mut lines = Vec::new();
    for record in &page.records {
        lines.push(json!({ "record": record }));
        while let Some(checkpoint) = checkpoints.next_if(|checkpoint| checkpoint.seq <= record.seq) {
            lines.push(json!({ "checkpoint": checkpoint.line }));
        }
    }
    lines
}

fn tail(talk: &Talk, screen: &mut Screen, count: u32, follow: bool) -> anyhow::Result<Exit> {
    let mut request = ControlRequest::AuditTail { count };
    let mut after = 0;
    loop {
        let reply = talk.ask(request)?;
        let ControlReply::AuditPage(page) = reply else { return stranger(&reply, screen) };
        for record in &page.records {
            after = record.seq;
            let line =
                if screen.json() { serde_json::to_string(record)? } else { text(record, screen.style()) };
            writeln!(screen.out(), "{line}")?;
        }
        screen.out().flush()?;
        if !follow {
            return Ok(Exit::Well);
        }
        if !talk.others_write() {
            screen.say("no service runs, so nothing will come; start one, then follow");
            return Ok(Exit::Warning);
        }
        talk.pause(LOOK_EVERY);
        request = ControlRequest::AuditPage { after, until: None, with_details: false };
    }
}

/// One line for a person. Whatever is in a record, it stays one line.
pub fn text(record: &AuditRow, style: Style) -> String {
    let field = |name: &str| match &record.body[name] {
        Value::Null => None,
        Value::String(text) => Some(text.escape_debug().to_string()),
        other => Some(other.to_string()),
    };
    let at = style.muted(&Timestamp::from_millis(record.at).to_rfc3339());
    let kind = field("kind").unwrap_or_default();
    let rest = ["object", "method", "subject", "application", "request_id"].map(|name| {
        field(name).map_or(String::new(), |value| format!("  {}{value}", style.muted(&format!("{name}="))))
    });
    let refused = if record.body["result"] == "refused" { "  refused" } else { "" };
    let actor = field("actor").unwrap_or_default();
    format!("{}  {at}  {kind}{refused}  {}{actor}{}", record.seq, style.muted("by="), rest.concat())
}

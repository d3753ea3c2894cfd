//! `backstop users import`: a file of another system, read here and sent in portions to whoever writes the store.

mod read;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fs::File, io::BufReader, path::PathBuf};

use anyhow::Context;
use backstop_domain::recipient::Recipient;
use clap::{Args, ValueEnum};

use self::read::Found;
use crate::{
    cli::{
        Answer, Exit,
        people::Of,
        screen::{Screen, Style},
        stranger,
    },
    config::Config,
    control::{
        Talk,
        protocol::{ControlReply, ControlRequest, ImportReply, ImportRow, Level, PeopleRequest, RefusedRow},
    },
};

/// Rows of one portion: while it is written, others wait for the store a moment at the most.
const ROWS: usize = 100;
/// Bytes of one portion's rows, well below the longest line that the socket takes.
const BYTES: usize = 24 * 1024;

/// Which file.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The file
    pub file: PathBuf,
    #[command(flatten)]
    of: Of,
    /// How it is written [default: by the end of its name]
    #[arg(long)]
    format: Option<Format>,
    /// Only say what would be refused
    #[arg(long)]
    dry_run: bool,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated values with a header
    Csv,
    /// A list of objects
    Json,
}

impl ImportArguments {
    /// Runs it.
    ///
    /// # Errors
    /// If the file cannot be read, or nobody can write the store.
    pub fn run(self, config: &Config, screen: &mut Screen) -> anyhow::Result<Exit> {
        let extension = self.file.extension().and_then(|extension| extension.to_str());
        let format = match (self.format, extension) {
            (Some(format), _) => format,
            (None, Some("csv")) => Format::Csv,
            (None, Some("json")) => Format::Json,
            _ => anyhow::bail!("the file's name does not tell its format\n  fix: say --format csv or json"),
        };
        let file = File::open(&self.file).with_context(|| format!("the file {}", self.file.display()))?;
        let mut import = Import {
            talk: Talk::begin(config)?,
            application: self.of.application,
            region: config.countries.default_region,
            dry_run: self.dry_run,
            portion: Vec::new(),
            bytes: 0,
            seen: BTreeMap::new(),
            total: ImportReply { dry_run: self.dry_run, ..ImportReply::default() },
            other: None,
        };
        let file = BufReader::new(file);
        let read = match format {
            Format::Csv => read::csv(file, |found| import.take(found)),
            Format::Json => read::json(file, |found| import.take(found)),
        };
        import.send()?;
        if let Some(reply) = &import.other {
            return stranger(reply, screen);
        }
        if let Err(problem) = read {
            import.total.stopped.get_or_insert(problem);
        }
        import.total.refused.sort_by_key(|row| row.line);
        let reply = ControlReply::Import(import.total);
        let answer = answer(&reply, screen.style()).unwrap_or(Answer::new("", Exit::Broken));
        screen.answer(&answer, &reply)
    }
}

/// An import on its way.
struct Import {
    talk: Talk,
    application: Option<String>,
    region: Option<backstop_domain::recipient::Region>,
    dry_run: bool,
    portion: Vec<ImportRow>,
    bytes: usize,
    /// In a dry run, what only a later row of the file has against an earlier one: who has an address, by line.
    seen: BTreeMap<String, u64>,
    total: ImportReply,
    /// What was answered instead.
    other: Option<ControlReply>,
}

impl Import {
    /// Takes a row. Says whether to go on.
    fn take(&mut self, found: Found) -> anyhow::Result<bool> {
        let row = match found {
            Found::Row(row) => row,
            Found::Refused(refused) => {
                self.total.refused.push(refused);
                return Ok(true);
            }
        };
        let bytes = row.row.expose().len();
        if bytes > BYTES / 4 {
            self.total
                .refused
                .push(RefusedRow { line: row.line, problem: "row: is longer than 6 KiB".into() });
            return Ok(true);
        }
        if self.dry_run && self.is_seen(&row) {
            return Ok(true);
        }
        if self.portion.len() == ROWS || self.bytes + bytes > BYTES {
            self.send()?;
        }
        self.bytes += bytes;
        self.portion.push(row);
        Ok(self.other.is_none() && self.total.stopped.is_none())
    }

    /// Whether an earlier row has an address of this one, which a dry run does not write.
    fn is_seen(&mut self, row: &ImportRow) -> bool {
        let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(row.row.expose()) else {
            return false;
        };
        for name in ["phone", "email"] {
            let text = fields.get(name).and_then(|text| text.as_str()).unwrap_or_default();
            let Ok(address) = Recipient::parse(text.trim(), self.region) else { continue };
            let earlier = *self.seen.entry(address.identity()).or_insert(row.line);
            if earlier != row.line {
                let problem = format!("{name}: stands in row {earlier} too");
                self.total.refused.push(RefusedRow { line: row.line, problem });
                return true;
            }
        }
        false
    }

    /// Has what was taken written.
    fn send(&mut self) -> anyhow::Result<()> {
        let rows = std::mem::take(&mut self.portion);
        self.bytes = 0;
        if rows.is_empty() || self.other.is_some() || self.total.stopped.is_some() {
            return Ok(());
        }
        let act = PeopleRequest::Import { rows, dry_run: self.dry_run };
        let request = ControlRequest::People { application: self.application.clone(), act };
        match self.talk.ask(request) {
            Ok(ControlReply::Import(reply)) => {
                self.total.imported += reply.imported;
                self.total.refused.extend(reply.refused);
                self.total.stopped = reply.stopped;
            }
            Ok(other) if self.total.imported == 0 => self.other = Some(other),
            Ok(_) => self.total.stopped = Some("the service refused the rest".into()),
            Err(error) if self.total.imported == 0 => return Err(error),
            Err(error) => self.total.stopped = Some(format!("{error:#}")),
        }
        Ok(())
    }
}

/// What became of the rows.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Import(done) = reply else { return None };
    let mut lines: Vec<_> = done
        .refused
        .iter()
        .map(|row| format!("{} row {}: {}", style.lamp(Level::Warning), row.line, row.problem))
        .collect();
    let (level, exit) = match (&done.stopped, done.refused.len()) {
        (Some(_), _) => (Level::Broken, Exit::Broken),
        (None, 0) => (Level::Well, Exit::Well),
        (None, _) => (Level::Warning, Exit::Warning),
    };
    let did = if done.dry_run { "would be imported, nothing was written" } else { "imported" };
    let users = if done.imported == 1 { "1 user".to_owned() } else { format!("{} users", done.imported) };
    let rows = match done.refused.len() {
        0 => "no row".to_owned(),
        1 => "1 row".to_owned(),
        many => format!("{many} rows"),
    };
    lines.push(format!("{} {users} {did}, {rows} refused", style.lamp(level)));
    let answer = Answer::new(lines.join("\n"), exit);
    Some(match &done.stopped {
        None => answer,
        Some(why) => answer.with_hint(format!(
            "backstop: the rows behind those were not read: {why}\n  fix: mend it and import the file again; whoever is there is refused"
        )),
    })
}

//! `backstop check-config`: reads everything, starts nothing, and says what the configuration comes to.

use std::{path::PathBuf, sync::Arc};

use backstop_providers::{
    DevInbox, HttpClient,
    registry::{self, Shared},
};
use clap::Args;
use serde::Serialize;

use super::{
    Answer, Exit,
    screen::{Screen, Style, columns},
};
use crate::{
    config::{self, Config, ConfigError, Loaded, Profile, Source},
    runtime::{OsRandom, SystemClock, TokioTasks},
};

/// How to read.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 if it is right, 1 with warnings, 2 if the service would not start.\n\n\
                        Examples:\n  backstop check-config\n  backstop check-config --no-secrets --config config.sample.toml")]
pub struct CheckConfigArguments {
    /// Do not read the files that hold secrets, which may be on another machine
    #[arg(long)]
    pub no_secrets: bool,
}

/// What the configuration comes to, for programs. Holds no secret.
#[derive(Debug, Serialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum CheckConfigReply {
    /// The service would start.
    Config(Summary),
    /// It would not.
    Refused {
        /// What is wrong.
        problem: String,
        /// Where it was read.
        place: String,
        /// What was found there.
        finding: String,
        /// What to write instead.
        fix: String,
    },
}

/// A configuration in a few lines.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The file; `None`: there is none.
    pub file: Option<PathBuf>,
    /// `development` or `production`.
    pub profile: &'static str,
    /// Where it would listen.
    pub listen: String,
    /// Its store.
    pub store: String,
    /// Its applications.
    pub applications: Vec<String>,
    /// Its providers that are on, with their kinds.
    pub providers: Vec<(String, String)>,
    /// Its ladder.
    pub channels: Vec<&'static str>,
    /// What should be looked at.
    pub warnings: Vec<String>,
}

impl Summary {
    /// The few lines.
    pub fn of(loaded: &Loaded) -> Self {
        let config = &loaded.config;
        let on = config.providers.iter().filter(|provider| provider.enabled);
        Self {
            file: loaded.file.clone(),
            profile: config.profile.as_str(),
            listen: config.server.listen.to_string(),
            store: config.store.database.to_string(),
            applications: config.applications.iter().map(|application| application.name.clone()).collect(),
            providers: on
                .map(|provider| (provider.config.name.clone(), provider.config.kind.clone()))
                .collect(),
            channels: config.channels.order.iter().map(|channel| channel.as_str()).collect(),
            warnings: loaded.warnings.clone(),
        }
    }
}

impl CheckConfigArguments {
    /// Reads and prints.
    ///
    /// # Errors
    /// If there is no working directory, or the output cannot be written.
    pub fn run(&self, file: Option<PathBuf>, screen: &mut Screen) -> anyhow::Result<Exit> {
        let read = config::load(&Source::of_process(file, !self.no_secrets)?);
        // Without its secrets no provider can be made; with them, each says what it makes of its own keys.
        let checked = match read {
            Ok(loaded) if !self.no_secrets => try_providers(&loaded.config)?.map(|()| loaded),
            other => other,
        };
        match checked {
            Ok(loaded) => {
                let summary = Summary::of(&loaded);
                screen.answer(&answer(&summary, screen.style()), &CheckConfigReply::Config(summary))
            }
            Err(error) => {
                let answer = Answer::new("", Exit::Broken).with_hint(error.to_string());
                let (problem, place) = (error.problem, error.place.to_string());
                let reply =
                    CheckConfigReply::Refused { problem, place, finding: error.finding, fix: error.fix };
                screen.answer(&answer, &reply)
            }
        }
    }
}

/// Makes every provider that is on and every webhook, and lets them go again. Nothing is sent.
///
/// # Errors
/// If this machine offers no runtime or no TLS; the inner error is a provider's refusal.
pub fn try_providers(config: &Config) -> anyhow::Result<Result<(), ConfigError>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let shared = Shared {
        client: HttpClient::new()?,
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(OsRandom),
        tasks: Arc::new(TokioTasks::default()),
        inbox: (config.profile == Profile::Development).then(|| Arc::new(DevInbox::new())),
    };
    for provider in config.providers.iter().filter(|provider| provider.enabled) {
        if let Err(error) = registry::build(&provider.config, &shared) {
            return Ok(Err(ConfigError::of_provider(provider, &error)));
        }
    }
    for webhook in &config.webhooks {
        if let Err(error) = webhook.notifier(config.profile, shared.client.clone()) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// The few lines, for people.
pub fn answer(summary: &Summary, style: Style) -> Answer {
    let row = |name: &str, value: String| vec![style.muted(name), value];
    let file = summary.file.as_ref().map_or("none".to_owned(), |file| file.display().to_string());
    let providers = summary.providers.iter().map(|(name, kind)| format!("{name} ({kind})"));
    let rows = [
        row("file", file),
        row("profile", summary.profile.to_owned()),
        row("listen", summary.listen.clone()),
        row("store", summary.store.clone()),
        row("applications", summary.applications.join(", ")),
        row("providers", providers.collect::<Vec<_>>().join(", ")),
        row("channels", summary.channels.join(", ")),
    ];
    let answer = Answer::new(columns(&rows, ""), Exit::Well);
    if summary.warnings.is_empty() {
        return answer.with_hint("the configuration can be used");
    }
    let warnings = summary.warnings.iter().map(|warning| format!("warning: {warning}"));
    Answer { exit: Exit::Warning, ..answer }.with_hint(warnings.collect::<Vec<_>>().join("\n"))
}

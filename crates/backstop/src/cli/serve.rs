//! `backstop serve`, and the first screen that it prints: what runs, where to look, and one command that works.

use std::{net::SocketAddr, path::Path, time::Duration};

use clap::Args;

use super::screen::{Style, columns};
use crate::config::{Config, Profile};

/// Nothing to say.
#[derive(Debug, Args)]
#[command(after_help = "The first signal stops and drains, the second stops at once.\n\n\
                        Examples:\n  backstop\n  backstop serve --config /etc/backstop.toml\n  \
                        BACKSTOP_SERVER__LISTEN=127.0.0.1:9090 backstop serve")]
pub struct ServeArguments {}

/// What the first screen tells.
#[derive(Debug, Clone, Copy)]
pub struct Banner<'a> {
    /// This program's version.
    pub version: &'a str,
    /// The configuration.
    pub config: &'a Config,
    /// The file that it came from.
    pub file: Option<&'a Path>,
    /// The address that is listened on: with its port, where the configuration said 0.
    pub address: SocketAddr,
    /// Whether the store was made just now.
    pub new_store: bool,
    /// The file with the root key, where it is one.
    pub root_key: Option<&'a Path>,
    /// Where the program runs, so that paths below can be told shortly.
    pub working_directory: Option<&'a Path>,
    /// How long the start took.
    pub ready_in: Duration,
}

/// The first screen. In development a block for a newcomer, in production six lines for a log.
pub fn banner(banner: &Banner<'_>, style: Style) -> String {
    match banner.config.profile {
        Profile::Development => development(banner, style),
        Profile::Production => production(banner, style),
    }
}

fn development(banner: &Banner<'_>, style: Style) -> String {
    let Banner { version, config, address, .. } = banner;
    let url = format!("http://{address}");
    let known = config.applications.iter().find_map(|application| {
        let key = application.secret_key.as_ref()?;
        // Only the key that everybody knows is ever printed.
        key.matches("sk_dev").then_some((application.name.as_str(), "sk_dev"))
    });
    let first = config.applications.first().map_or("dev", |application| application.name.as_str());
    let (application, key) = known.unwrap_or((first, "YOUR_KEY"));
    let pretend = config.providers.iter().any(|provider| provider.config.kind == "dev-inbox");
    let only_pretend = config.providers.iter().all(|provider| provider.config.kind == "dev-inbox");
    let mut rows = vec![vec![
        "API".to_owned(),
        format!("{url}/v1"),
        if known.is_some() { format!("key {key}") } else { String::new() },
    ]];
    if pretend {
        rows.push(vec!["Inbox".into(), format!("{url}/dev/inbox"), "every code shows up here".into()]);
    }
    rows.push(vec!["Reference".into(), format!("{url}/docs")]);
    rows.push(vec!["Store".into(), config.store.database.to_string(), store_note(banner)]);
    let promise = if only_pretend { "development, nothing leaves this machine" } else { "development" };
    let title =
        format!("  Backstop {version}{promise:>width$}", width = 88 - "  Backstop ".len() - version.len());
    let curl = format!(
        "    curl -s {address}/v1/verifications -u {application}:{key} -d '{{\"to\":\"+919876543210\"}}' \
         -H 'content-type: application/json'"
    );
    format!(
        "{title}\n\n{}\n\n  Try it:\n{curl}\n\n  {}\n",
        columns(&rows, "  "),
        style.muted(&format!("Ready in {}. Ctrl-C stops and drains.", seconds(banner.ready_in)))
    )
}

fn store_note(banner: &Banner<'_>) -> String {
    let short =
        |path| banner.working_directory.and_then(|here| Path::strip_prefix(path, here).ok()).unwrap_or(path);
    let key = banner.root_key.map(|path| format!("root key in {} (mode 0600)", short(path).display()));
    let parts = [banner.new_store.then(|| "made just now".to_owned()), key];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn production(banner: &Banner<'_>, style: Style) -> String {
    let Banner { version, config, address, file, .. } = banner;
    let on = config.providers.iter().filter(|provider| provider.enabled).count();
    let off = config.providers.len() - on;
    let providers = if off == 0 { format!("{on} ready") } else { format!("{on} ready, {off} off") };
    let order = config.channels.order.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(", ");
    let file = file.map_or("none".to_owned(), |file| file.display().to_string());
    let row = |name: &str, value: String| vec![style.muted(name), value];
    let rows = [
        row("backstop", (*version).to_owned()),
        row("listen", address.to_string()),
        row("store", config.store.database.to_string()),
        row("providers", providers),
        row("channels", order),
        row("config", file),
    ];
    format!("{}\n", columns(&rows, ""))
}

fn seconds(span: Duration) -> String {
    format!("{:.2} s", span.as_secs_f64())
}

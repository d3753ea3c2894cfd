//! Logs: to stderr, as lines for people in development and as JSON in production.
//!
//! Records of the older `log` facade are not taken: libraries that use it write down what they are given, telephone
//! numbers among it. What may not be logged cannot be: recipients print masked, codes and keys print a fixed word. `RUST_LOG` sets what is
//! written, as `info,backstop_engine=debug`.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging. Calling it again changes nothing.
pub(crate) fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
    } else {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        registry
            .with(fmt::layer().with_ansi(colour).with_target(false).with_writer(std::io::stderr))
            .try_init()
    };
    // A second start is refused by the library; the first one goes on.
    drop(started);
}

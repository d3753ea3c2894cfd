//! The program: configuration, wiring, commands.
//!
//! [`App`] is the service with its doors open; [`serve`] runs one until a signal. Commands are in [`cli`], and what they
//! ask of a running service goes through [`control`].

mod app;
pub mod cli;
pub mod config;
pub mod control;
mod core_dumps;
mod desk;
mod keyring;
mod runtime;
mod shutdown;
mod telemetry;
mod wiring;
mod witness;

use std::io::Write;

use backstop_domain::ports::Clock;

pub use app::App;

use crate::{
    cli::{
        screen::Screen,
        serve::{Banner, banner},
    },
    config::{Loaded, Profile, root_key::RootKeySource},
    runtime::SystemClock,
};

/// Runs the service until it is told to stop, and drains it.
///
/// # Errors
/// If it cannot start.
pub fn serve(loaded: Loaded) -> anyhow::Result<()> {
    telemetry::start(loaded.config.profile == Profile::Production);
    let clock = SystemClock::default();
    let started = clock.now();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let working_directory = std::env::current_dir().ok();
    runtime.block_on(async {
        let app = App::build(loaded.config.clone()).await?;
        let root_key = match &loaded.config.store.root_key {
            RootKeySource::File(path) => Some(path.as_path()),
            RootKeySource::Given(_) => None,
        };
        let screen = banner(
            &Banner {
                version: env!("CARGO_PKG_VERSION"),
                config: &loaded.config,
                file: loaded.file.as_deref(),
                address: app.address(),
                new_store: app.is_new(),
                root_key,
                working_directory: working_directory.as_deref(),
                ready_in: clock.now().since(started),
            },
            Screen::of_process(false).style(),
        );
        // Whoever reads that it runs may stop it.
        let shutdown = shutdown::first_signal();
        let mut out = std::io::stdout();
        writeln!(out, "{screen}")?;
        if let Some(link) = app.first_operator_link().await {
            writeln!(
                out,
                "No operators yet. This link makes the first one, once, for 15 minutes:\n  {link}\n"
            )?;
        }
        app.warn_of_used_key().await;
        out.flush()?;
        app.run(shutdown).await
    })
}

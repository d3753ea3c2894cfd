//! Signals: the first drains, the second stops at once.

use tokio::signal::unix::{SignalKind, signal};

/// Ends at the first SIGINT or SIGTERM. From then on a second one ends the process at once: what is unfinished is in the
/// store, as after a crash.
pub(crate) async fn first_signal() {
    any_signal().await;
    #[expect(
        clippy::disallowed_methods,
        reason = "it must not count among the tasks that a shutdown waits for"
    )]
    tokio::spawn(async {
        any_signal().await;
        std::process::exit(1);
    });
}

async fn any_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("signals cannot be heard; only a kill will stop this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

//! Signals: the first drains, the second stops at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears signals from this call on; ends at the first SIGINT or SIGTERM. From then on a second one ends the process at
/// once: what is unfinished is in the store, as after a crash. One pair of ears hears both, so that no signal falls
/// between the first and the second.
pub(crate) fn first_signal() -> impl Future<Output = ()> + Send + 'static {
    let ears = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = ears else {
            tracing::error!("signals cannot be heard; only a kill will stop this process");
            return std::future::pending().await;
        };
        any(&mut interrupt, &mut terminate).await;
        #[expect(
            clippy::disallowed_methods,
            reason = "it must not count among the tasks that a shutdown waits for"
        )]
        tokio::spawn(async move {
            any(&mut interrupt, &mut terminate).await;
            std::process::exit(1);
        });
    }
}

async fn any(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

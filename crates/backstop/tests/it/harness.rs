//! What every end-to-end test starts from: the program, a caller, a vendor.

pub(crate) mod any_channel;
pub(crate) mod callback;
#[path = "../../../store/tests/it/cluster.rs"]
pub(crate) mod cluster;
pub(crate) mod dice;
pub(crate) mod gateway;
pub(crate) mod program;
pub(crate) mod raw;
pub(crate) mod server;
pub(crate) mod store;
pub(crate) mod twilio_verify;
pub(crate) mod vendor;

pub(crate) use any_channel::{AnyChannel, shop, visitor, wrong};
pub(crate) use callback::Callback;
pub(crate) use dice::Dice;
pub(crate) use gateway::Gateway;
pub(crate) use program::{Answer, Caller, Program};
pub(crate) use store::Store;
pub(crate) use vendor::{Behaviour, Twilio};

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Asks again and again until there is an answer; fails with `what` after `limit`.
pub(crate) async fn eventually<T, F, R>(what: &str, limit: Duration, mut ask: F) -> T
where
    F: FnMut() -> R,
    R: Future<Output = Option<T>>,
{
    let limit = limit + Store::patience();
    let begun = now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < limit, "{what}: not within {limit:?}");
        pause(Duration::from_millis(20)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a test of a real process lives in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a test of a real process lives in real time")]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

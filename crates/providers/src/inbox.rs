//! The development inbox: messages are shown instead of sent, by pretend providers that can be broken on purpose.
//!
//! It holds codes and recipients in full, so production has none: the wiring makes none, and without one no provider of
//! this kind can be built. It keeps the newest [`KEPT`] messages in memory; a crash forgets messages and switches.

use std::{collections::VecDeque, fmt, sync::Arc};

use backstop_domain::{
    channel::Channel,
    ports::{
        BoxFuture, Inbox, Provider,
        inbox::{InboxMessage, Outage, PretendProvider},
    },
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::registry::{BuildError, Draft, KindInfo};

mod pretend;

/// How many messages are kept.
const KEPT: usize = 1000;

/// The kind `dev-inbox`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "dev-inbox",
    channels: &Channel::ALL,
    summary: "shows messages at /dev/inbox instead of sending them, and can be broken on purpose",
    paid: false,
    development_only: true,
    keys: &[],
    sample: r#"[[provider]]
name = "sms-one"
kind = "dev-inbox"
channels = ["sms"]
"#,
    build,
};

/// The messages and switches of all pretend providers of one process.
pub struct DevInbox {
    state: Mutex<State>,
    version: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// The newest first.
    messages: VecDeque<InboxMessage>,
    /// In the order in which they were built.
    providers: Vec<PretendProvider>,
}

impl DevInbox {
    /// An empty inbox without providers.
    pub fn new() -> Self {
        Self { state: Mutex::default(), version: watch::Sender::new(0) }
    }

    fn add_provider(&self, name: &str, channels: &[Channel]) {
        self.change(|state| {
            state.providers.retain(|provider| provider.name != name);
            let (name, channels) = (name.to_owned(), channels.to_vec());
            state.providers.push(PretendProvider { name, channels, outage: Outage::Works });
        });
    }

    fn outage(&self, name: &str) -> Outage {
        let state = self.state.lock();
        state
            .providers
            .iter()
            .find(|provider| provider.name == name)
            .map_or(Outage::Works, |found| found.outage)
    }

    fn add(&self, message: InboxMessage) {
        self.change(|state| {
            state.messages.push_front(message);
            state.messages.truncate(KEPT);
        });
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.state.lock());
        self.version.send_modify(|version| *version += 1);
        result
    }
}

impl Default for DevInbox {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DevInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevInbox")
            .field("messages", &self.state.lock().messages.len())
            .finish_non_exhaustive()
    }
}

impl Inbox for DevInbox {
    fn messages(&self, limit: usize) -> Vec<InboxMessage> {
        self.state.lock().messages.iter().take(limit).cloned().collect()
    }

    fn providers(&self) -> Vec<PretendProvider> {
        self.state.lock().providers.clone()
    }

    fn switch(&self, provider: &str, outage: Outage) -> bool {
        self.change(|state| {
            let found = state.providers.iter_mut().find(|known| known.name == provider);
            found.map(|known| known.outage = outage).is_some()
        })
    }

    fn clear(&self) {
        self.change(|state| state.messages.clear());
    }

    fn version(&self) -> u64 {
        *self.version.borrow()
    }

    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        let mut changes = self.version.subscribe();
        Box::pin(async move {
            // The sender is ours, so the wait can end in a change alone.
            let _ = changes.wait_for(|version| *version != seen).await;
        })
    }
}

/// Builds a pretend provider and gives the inbox its switch.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let Some(inbox) = &draft.shared.inbox else {
        return Err(draft.wrong(
            "kind",
            "is the development inbox, which production does not have",
            "configure a real provider, or set profile = \"development\"",
        ));
    };
    inbox.add_provider(&draft.config.name, &draft.config.channels);
    Ok(Arc::new(pretend::Pretend::new(draft, inbox)))
}

//! What providers can do beside sending: tell what became of messages, fetch the script of a call, make codes of their own.

use backstop_domain::{
    application::Application,
    channel::Channel,
    clock::Timestamp,
    id::AttemptId,
    outcome::Scope,
    receipt::{Receipt, ReceiptState},
};

use super::{RouteTable, entry::Entry};

impl RouteTable {
    /// Whether the code of a verification can travel over `channel`: ours, or that of the provider that makes it.
    pub(crate) fn carries(&self, application: &Application, checker: Option<&str>, channel: Channel) -> bool {
        match checker {
            Some(checker) => self.serves_through(checker, channel),
            None => self
                .of(application)
                .iter()
                .any(|entry| entry.settings.channels.contains(&channel) && !entry.is_checker()),
        }
    }

    /// Whether this provider serves `channel`.
    pub(crate) fn serves_through(&self, name: &str, channel: Channel) -> bool {
        self.entry(name).is_some_and(|entry| entry.settings.channels.contains(&channel))
    }

    /// Whether any provider makes and checks its codes itself.
    pub(crate) fn has_checkers(&self) -> bool {
        self.entries.iter().any(Entry::is_checker)
    }

    /// Whether this provider makes and checks its codes itself.
    pub(crate) fn is_checker(&self, name: &str) -> bool {
        self.entry(name).is_some_and(Entry::is_checker)
    }

    /// A receipt came; what it says against the provider counts like an answer.
    pub(crate) fn told(
        &self,
        name: &str,
        channel: Channel,
        attempt: AttemptId,
        receipt: &Receipt,
        now: Timestamp,
    ) {
        let Some(entry) = self.entry(name) else { return };
        if receipt.state == ReceiptState::OnItsWay {
            return;
        }
        entry.told(channel, now);
        if let Some(rejection) = receipt.rejection.filter(|rejection| rejection.scope == Scope::Provider) {
            entry.rejected(rejection, (channel, None), attempt, now);
        }
    }

    /// When an attempt that was taken now counts as silent; `None`: never, since no receipts are arriving on this route.
    pub(crate) fn silent_at(
        &self,
        name: &str,
        channel: Channel,
        taken_at: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let span = self.escalate_after.get(&channel)?;
        self.entry(name)?.tells(channel, now).then(|| taken_at + *span)
    }

    /// Whether it tells what became of messages.
    pub(crate) fn hears(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.settings.provider.receiver().is_some())
    }

    /// Whether its receipts name a message by the vendor's id alone.
    pub(crate) fn finds_by_vendor_id(&self, name: &str) -> bool {
        let provider = self.entry(name).map(|entry| &entry.settings.provider);
        provider
            .and_then(|provider| provider.receiver())
            .is_some_and(|receiver| receiver.finds_by_vendor_id())
    }

    /// Whether it fetches the script of a call.
    pub(crate) fn speaks(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.settings.provider.speaker().is_some())
    }
}

//! Which providers a mail without a code may go through.

use backstop_domain::{
    application::Application, channel::Channel, clock::Timestamp, id::AttemptId, outcome::Outcome,
    plan::Availability,
};

use super::{RouteTable, entry::Entry};

impl RouteTable {
    /// The providers of mail in order: those of an application, or all.
    pub(crate) fn mailers(&self, application: Option<&Application>) -> Vec<String> {
        let entries: Vec<&Entry> = match application {
            Some(application) => self.of(application),
            None => self.entries.iter().collect(),
        };
        let serves = |entry: &&&Entry| entry.settings.channels.contains(&Channel::Email);
        entries.iter().filter(serves).map(|entry| entry.settings.name.clone()).collect()
    }

    /// Takes a provider for a notice, unless it is held back now.
    pub(crate) fn reserve_mailer(&self, name: &str, attempt: AttemptId, now: Timestamp) -> bool {
        let Some(entry) = self.entry(name) else { return false };
        let mut condition = entry.condition.lock();
        let usable = match entry.standing(&condition, Channel::Email, None, now).availability {
            Availability::Free | Availability::Probe => true,
            Availability::HeldBack(_) | Availability::Exhausted(_) | Availability::Closed => false,
        };
        if usable {
            condition.breaker.started(attempt, now);
        }
        usable
    }

    /// Draws the consequences of an outcome for the provider.
    pub(crate) fn settled_mail(&self, name: &str, attempt: AttemptId, outcome: &Outcome, now: Timestamp) {
        self.settled(name, (Channel::Email, None), attempt, outcome, now);
    }
}

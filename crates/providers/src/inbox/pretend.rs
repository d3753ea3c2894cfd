//! A pretend provider: behaves as its switch says.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backstop_domain::{
    channel::Channel,
    clock::Clock,
    outcome::{Outcome, Reason},
    ports::{
        Provider, Tasks,
        inbox::{InboxMessage, Outage},
        provider::{Checkup, Message, NoticeMail, Sent},
    },
};

use super::DevInbox;
use crate::registry::Draft;

/// How long a slow provider takes: longer than anybody waits before another is asked.
const SLOW: Duration = Duration::from_secs(5);

pub(super) struct Pretend {
    name: String,
    inbox: Arc<DevInbox>,
    clock: Arc<dyn Clock>,
    tasks: Arc<dyn Tasks>,
    timeout: Duration,
}

impl Pretend {
    pub(super) fn new(draft: &Draft<'_>, inbox: &Arc<DevInbox>) -> Self {
        Self {
            name: draft.config.name.clone(),
            inbox: Arc::clone(inbox),
            clock: Arc::clone(&draft.shared.clock),
            tasks: Arc::clone(&draft.shared.tasks),
            timeout: draft.config.timeout,
        }
    }

    fn take(&self, message: InboxMessage) -> Sent {
        let vendor_id = Some(format!("inbox-{}", message.attempt));
        self.inbox.add(message);
        Sent::new(Outcome::Accepted { vendor_id }, "taken by the development inbox")
    }

    /// Behaves as the switch says; `message` as it would be shown.
    async fn behave(&self, message: InboxMessage) -> Sent {
        match self.inbox.outage(&self.name) {
            Outage::Works => self.take(message),
            Outage::Slow if SLOW < self.timeout => {
                self.tasks.sleep(SLOW).await;
                self.take(InboxMessage { at: self.clock.now(), ..message })
            }
            Outage::Slow | Outage::Hangs => {
                self.tasks.sleep(self.timeout).await;
                Sent::new(Outcome::Unknown, "no answer: timed out")
            }
            Outage::Refuses => {
                Sent::new(Outcome::rejected(Reason::Unavailable), "the service is down for maintenance")
            }
            Outage::Loses => self.take(InboxMessage { lost: true, ..message }),
            Outage::OutOfCredit => {
                Sent::new(Outcome::rejected(Reason::OutOfCredit), "the balance of this account is 0.00")
            }
        }
    }
}

#[async_trait]
impl Provider for Pretend {
    async fn send(&self, message: &Message) -> Sent {
        let shown = InboxMessage {
            to: message.to.expose().to_owned(),
            channel: message.channel,
            provider: self.name.clone(),
            subject: message.subject.clone(),
            text: message.text.expose().to_owned(),
            code: message.code.expose().to_owned(),
            verification: Some(message.verification),
            attempt: message.attempt,
            at: self.clock.now(),
            lost: false,
        };
        self.behave(shown).await
    }

    async fn send_notice(&self, notice: &NoticeMail) -> Option<Sent> {
        let shown = InboxMessage {
            to: notice.to.expose().to_owned(),
            channel: Channel::Email,
            provider: self.name.clone(),
            subject: notice.subject.clone(),
            text: notice.text.clone(),
            code: String::new(),
            verification: None,
            attempt: notice.attempt,
            at: self.clock.now(),
            lost: false,
        };
        Some(self.behave(shown).await)
    }

    async fn check_up(&self) -> Checkup {
        let outage = self.inbox.outage(&self.name);
        let well = matches!(outage, Outage::Works | Outage::Slow | Outage::Loses);
        let finding = match outage {
            Outage::Works => "takes messages and shows them at /dev/inbox",
            Outage::Slow => "takes messages after five seconds",
            Outage::Hangs => "does not answer",
            Outage::Refuses => "refuses every message",
            Outage::Loses => "takes messages",
            Outage::OutOfCredit => "has no credit",
        };
        let fix = (!well).then(|| "switch it back to `works` at /dev/inbox".to_owned());
        Checkup { well, finding: finding.to_owned(), fix }
    }
}

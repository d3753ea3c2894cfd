//! Telling: notices go out, at least once, each line by itself.
//!
//! One task for mail and one for each webhook, so a receiver that hangs holds up nobody but itself. A line takes what is due
//! under a lease, sends it, and writes down what became of it; if the process dies in between, the lease ends and the notice
//! is sent again under the same id. It wakes at once when something is posted here, and looks every few seconds for what
//! other nodes and earlier runs left. A webhook that answers 410 is left alone until the program starts again; what waits for
//! it stays. A node whose clock has drifted does not look: to it, leases that hold may seem to have ended.

mod bell;
mod mail;

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    application::{Application, ApplicationId},
    clock::Timestamp,
    delivery::{LEASE, Lease},
    notice::{Audience, Happening, Line, NewNotice, event, schedule::next_try},
    ports::{
        Notifier, StoreError,
        notifier::Notified,
        store::{DueNotice, Settled},
    },
};
use futures::future;

use crate::Engine;
use bell::Bell;

/// How often a line looks if nobody wakes it.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How many notices of a line are on their way at once.
const AT_ONCE: u32 = 8;

/// A configured webhook.
#[derive(Clone)]
pub struct Webhook {
    /// Its configured name.
    pub name: String,
    /// The way to it.
    pub notifier: Arc<dyn Notifier>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Who is told of security events, and how.
#[derive(Debug, Clone, Default)]
pub struct NoticeSettings {
    /// Who.
    pub audience: Audience,
    /// The webhooks among them.
    pub webhooks: Vec<Webhook>,
    /// The number that people call; it stands in mails.
    pub support_phone: Option<String>,
}

/// What telling rests on.
pub(crate) struct Telling {
    settings: NoticeSettings,
    posted: Bell,
}

impl Telling {
    pub(crate) fn new(settings: NoticeSettings) -> Self {
        Self { settings, posted: Bell::default() }
    }
}

/// What became of one try.
enum Told {
    Taken,
    /// Not, and why, without a word of the receiver's own.
    Refused {
        why: String,
        retry_after: Option<Duration>,
    },
    /// The receiver wants nothing any more.
    Gone,
    /// Nothing was sent, and the lease has ended: it is another's now.
    Late,
}

impl Engine {
    /// The notices that something owes, to be written down in the act which makes it happen. Pure but for chance.
    pub fn notices_for(&self, happening: &Happening<'_>) -> Vec<NewNotice> {
        self.telling.settings.audience.notices(happening, &self.keyring(), self.random.as_ref())
    }

    /// Who is told what: for an act that learns only under the store's lock what it has to tell.
    pub fn audience(&self) -> &Audience {
        &self.telling.settings.audience
    }

    /// Sends at once what an act has just written down. To be called after its commit; without it, it takes some seconds.
    pub fn notices_posted(&self) {
        self.telling.posted.ring();
    }

    /// Tells something that belongs to no other change.
    ///
    /// # Errors
    /// If the store cannot be written; then nobody is told.
    pub async fn announce(&self, happening: &Happening<'_>) -> Result<(), StoreError> {
        let notices = self.notices_for(happening);
        if notices.is_empty() {
            return Ok(());
        }
        self.noting(self.store.post_notices(notices).await)?;
        self.notices_posted();
        Ok(())
    }

    /// Begins to tell; one task a line. Mail is none where nobody is told by mail.
    pub(crate) fn tell(self: &Arc<Self>) {
        let NoticeSettings { audience, webhooks, .. } = &self.telling.settings;
        let by_mail = audience.person || !audience.operators.is_empty();
        for webhook in webhooks.iter().cloned().map(Some).chain(by_mail.then_some(None)) {
            let engine = self.clone();
            self.tasks.spawn(Box::pin(async move { engine.tell_forever(webhook).await }));
        }
    }

    async fn tell_forever(self: Arc<Self>, webhook: Option<Webhook>) {
        let line = webhook.as_ref().map_or(Line::Mail, |webhook| Line::Webhook(webhook.name.clone()));
        let mut was_silent = false;
        while !self.workload.is_stopping() {
            let heard = self.telling.posted.rung();
            let mut wait = LOOK_EVERY;
            if self.clock.is_reliable() {
                match self.tell_due(&line, webhook.as_ref()).await {
                    Ok(Round::More) => continue,
                    Ok(Round::Done { next }) => {
                        let next = next.map(|next| next.since(self.clock.now()));
                        wait = next.map_or(wait, |next| next.min(wait));
                        was_silent = false;
                    }
                    Ok(Round::Gone) => {
                        tracing::error!(%line, "the receiver answers 410: it is told nothing more until the next start");
                        return;
                    }
                    Err(error) => {
                        if !was_silent {
                            tracing::warn!(%line, %error, "what has to be told cannot be read");
                        }
                        was_silent = true;
                    }
                }
            }
            let woken = future::select(self.telling.posted.rung_after(heard), self.workload.stopped());
            future::select(self.tasks.sleep(wait), woken).await;
        }
    }

    /// Sends what is due, some of it.
    async fn tell_due(&self, line: &Line, webhook: Option<&Webhook>) -> Result<Round, StoreError> {
        let now = self.clock.now();
        let lease = Lease { holder: self.node, until: now + lease_of(line) };
        let due = self.store.due_notices(line.clone(), lease, now, AT_ONCE).await?;
        if due.is_empty() {
            return Ok(Round::Done { next: None });
        }
        let full = due.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        let tell = due.iter().map(|due| self.tell_one(due, webhook, lease));
        let ends = future::join_all(tell).await;
        if ends.iter().any(|end| end.gone) {
            return Ok(Round::Gone);
        }
        let next = ends.iter().filter_map(|end| end.next).min();
        Ok(if full { Round::More } else { Round::Done { next } })
    }

    async fn tell_one(&self, due: &DueNotice, webhook: Option<&Webhook>, lease: Lease) -> End {
        let told = match webhook {
            Some(webhook) => self.post(&due.notice, webhook, lease).await,
            None => self.mail_notice(&due.notice, lease).await,
        };
        self.settle_told(due, told).await
    }

    async fn post(&self, notice: &NewNotice, webhook: &Webhook, lease: Lease) -> Told {
        let at = self.clock.now();
        if at >= lease.until {
            return Told::Late;
        }
        let Some(application) = self.application_of(notice.application) else {
            return Told::Refused { why: "its application is not configured".to_owned(), retry_after: None };
        };
        let body = event::body(notice, &application.name);
        match webhook.notifier.notify(notice.id, &body, at).await {
            Notified::Taken => Told::Taken,
            Notified::Gone => Told::Gone,
            Notified::Refused { status, retry_after } => {
                let why = status.map_or("no answer".to_owned(), |status| format!("status {status}"));
                Told::Refused { why, retry_after }
            }
        }
    }

    /// Writes down what became of a try. If that cannot be written, the lease ends by itself, and it is sent again.
    async fn settle_told(&self, due: &DueNotice, told: Told) -> End {
        let DueNotice { notice, tries } = due;
        let now = self.clock.now();
        let (why, retry_after, gone) = match told {
            Told::Late => return End { next: None, gone: false },
            Told::Taken => (None, None, false),
            Told::Refused { why, retry_after } => (Some(why), retry_after, false),
            Told::Gone => (Some("status 410".to_owned()), None, true),
        };
        let next = next_try(&notice.target, *tries, retry_after, now, self.random.as_ref());
        let settled = match (&why, next) {
            (None, _) => Settled::Sent,
            (Some(_), Some(due_at)) => Settled::Again { due_at },
            (Some(_), None) => Settled::Failed,
        };
        let (id, line, kind) = (notice.id, notice.target.line(), notice.kind);
        match (settled, why) {
            (Settled::Again { .. }, Some(why)) => {
                tracing::warn!(notice.id = %id, notice.kind = %kind, %line, tries, why, "a notice is told again later");
            }
            (Settled::Failed, Some(why)) => {
                tracing::error!(notice.id = %id, notice.kind = %kind, %line, tries, why, "a notice was never taken: given up");
            }
            _ => tracing::debug!(notice.id = %id, notice.kind = %kind, %line, tries, "told"),
        }
        let written = self.store.settle_notice(notice.application, id, self.node, settled, now).await;
        match written {
            Ok(true) => {}
            Ok(false) => tracing::warn!(notice.id = %id, %line, "another node has told it meanwhile"),
            Err(error) => {
                tracing::warn!(notice.id = %id, %line, %error, "told, and not written down: it is told again")
            }
        }
        let next = if let Settled::Again { due_at } = settled { Some(due_at) } else { None };
        End { next, gone }
    }

    fn application_of(&self, id: ApplicationId) -> Option<&Arc<Application>> {
        self.applications().find(|application| application.id == id)
    }
}

/// What a look at a line led to.
enum Round {
    /// There may be more.
    More,
    /// There is no more now; when the first of what failed is due again.
    Done { next: Option<Timestamp> },
    /// The receiver wants nothing any more.
    Gone,
}

struct End {
    next: Option<Timestamp>,
    gone: bool,
}

/// A post ends within a lease. A mail may have to try several providers.
fn lease_of(line: &Line) -> Duration {
    match line {
        Line::Mail => mail::LEASE,
        Line::Webhook(_) => LEASE,
    }
}

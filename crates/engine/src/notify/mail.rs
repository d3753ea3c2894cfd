//! A notice by mail: over the configured providers of mail in their order, past those that are held back.
//!
//! A provider that surely refuses is followed by the next one at once. Where nobody knows whether it was taken, the next try
//! waits for the schedule, with the same id in the mail, so that a person rarely reads a warning twice. Breakers are told as
//! by any message. A person's notice goes over the providers of the application, an operator's over all. Nothing is charged
//! to a provider's rate limits and its month: notices are few, and a limit on codes must not silence a warning.

use std::time::Duration;

use backstop_domain::{
    delivery::Lease,
    id::AttemptId,
    notice::{
        NewNotice, Target,
        text::{self, Surroundings},
    },
    outcome::Outcome,
    ports::provider::NoticeMail,
};

use super::Told;
use crate::Engine;

/// Longer than any one provider may take, and enough for some.
pub(super) const LEASE: Duration = Duration::from_secs(120);

impl Engine {
    pub(super) async fn mail_notice(&self, notice: &NewNotice, lease: Lease) -> Told {
        let refused = |why: String| Told::Refused { why, retry_after: None };
        let Some(application) = self.application_of(notice.application).cloned() else {
            return refused("its application is not configured".to_owned());
        };
        let to = match notice.address(&self.keyring()) {
            Ok(Some(to)) => to,
            Ok(None) => return refused("it has no address".to_owned()),
            Err(error) => return refused(error.to_string()),
        };
        let support_phone = self.telling.settings.support_phone.as_deref();
        let text::Mail { subject, text } =
            text::mail(notice, Surroundings { brand: &application.brand, support_phone });
        let only = match notice.target {
            Target::Operator(_) => None,
            Target::Person(_) | Target::Webhook(_) => Some(application.as_ref()),
        };
        let mut mail = NoticeMail {
            attempt: AttemptId::new(self.clock.now(), self.random.as_ref()),
            notice: notice.id,
            to,
            subject,
            text,
            locale: "en",
        };
        let mut why = "no provider of mail can be used now".to_owned();
        for name in self.routes.mailers(only) {
            let now = self.clock.now();
            let Some((provider, timeout)) = self.routes.timeout(&name) else { continue };
            if now + timeout >= lease.until {
                break;
            }
            mail.attempt = AttemptId::new(now, self.random.as_ref());
            if !self.routes.reserve_mailer(&name, mail.attempt, now) {
                continue;
            }
            let sending = async { Some(provider.send_notice(&mail).await) };
            let sent = self.within(timeout, Box::pin(sending)).await;
            let outcome = match sent {
                // It carries codes alone.
                Some(None) => {
                    self.routes.release(&name, mail.attempt);
                    continue;
                }
                Some(Some(sent)) => sent.outcome,
                None => Outcome::Unknown,
            };
            self.routes.settled_mail(&name, mail.attempt, &outcome, self.clock.now());
            match outcome {
                Outcome::Accepted { .. } => return Told::Taken,
                Outcome::Unknown => return refused(format!("{name} did not say whether it took it")),
                Outcome::Rejected(rejection) => why = format!("{name}: {}", rejection.reason.as_str()),
            }
        }
        if self.clock.now() >= lease.until { Told::Late } else { refused(why) }
    }
}

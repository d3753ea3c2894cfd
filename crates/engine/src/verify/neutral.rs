//! What strangers are told of a sign-in: the same whether or not the address belongs to somebody.
//!
//! To a public caller, where a sign-in's code is depends on the configuration, on the address that was given, and on what
//! holds for everybody. So a code that no vendor took reads `sent` as long as anybody's could be, and one that arrived
//! reads `undeliverable` while nobody's can. The application itself reads the truth.

use backstop_domain::{
    application::Application,
    channel::Channel,
    clock::Timestamp,
    delivery::DeliveryState,
    purpose::Purpose,
    recipient::Recipient,
    rule::{self, Facts},
    verification::{Status, Subject},
};

use super::policy;
use crate::{Caller, Engine, VerificationReport};

impl Engine {
    /// The channels over which a sign-in's code may travel, in order, each with whether it can be tried now. The same for
    /// everybody: no address and no person is looked at.
    pub fn channels_now(&self, caller: &Caller, purpose: &Purpose) -> Vec<(Channel, bool)> {
        let now = self.clock.now();
        let ladder = policy::sign_in_ladder(caller, purpose, &self.routes).into_iter();
        let works = |channel| self.works_for_everybody(&caller.application, purpose, channel, None, now);
        ladder.map(|channel| (channel, works(channel))).collect()
    }

    /// The report of a verification to this address, as the caller may read it; `asked` is the ladder of its latest delivery,
    /// where that has its own.
    pub(super) fn told(
        &self,
        caller: &Caller,
        subject: Option<Subject>,
        to: &Recipient,
        asked: Option<&[Channel]>,
        report: VerificationReport,
    ) -> VerificationReport {
        if subject.is_none() || !caller.authority.is_public() {
            return report;
        }
        let (application, now) = (&caller.application, self.clock.now());
        let works = |channel: &Channel| {
            self.works_for_everybody(application, &report.purpose, *channel, Some(to), now)
        };
        let ladder = asked.unwrap_or(&report.channels);
        let working = ladder.iter().copied().find(works);
        let down = report.status == Status::Pending && working.is_none();
        VerificationReport {
            delivery: if down { DeliveryState::Undeliverable } else { DeliveryState::Sent },
            channel: working.or(ladder.first().copied()).unwrap_or(report.channel),
            attempts: Vec::new(),
            ..report
        }
    }

    /// Whether any provider of the channel may be tried, by what holds for everybody. The rules may ask for the address that
    /// was given; of others that the same person has nothing is said.
    fn works_for_everybody(
        &self,
        application: &Application,
        purpose: &Purpose,
        channel: Channel,
        to: Option<&Recipient>,
        now: Timestamp,
    ) -> bool {
        let to = to.filter(|to| channel.reaches(to));
        let region = to.and_then(Recipient::region);
        let serving = self.routes.serving(application, channel, region);
        let ours = serving.iter().map(|(name, _)| *name).filter(|name| !self.routes.is_checker(name));
        let works = |name: &str| self.routes.works_for_everybody(name, channel, region, now);
        let Some(recipient) = to else { return ours.into_iter().any(works) };
        let facts = Facts { application: &application.name, recipient, channel, purpose };
        rule::ask(&self.rules, &facts, ours).providers.iter().any(|name| works(name))
    }
}

//! Limits: exact sliding windows over the times of charges.
//!
//! A window never admits more than its number in *any* span of its length, so there is no burst over an edge. The
//! [`LimitBook`] is plain memory: the store charges it inside the transaction that inserts, and fills it again from the
//! rows when it opens. A public caller may use only a share, so that a stranger cannot use up a person's messages.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    time::Duration,
};

use serde::Serialize;

pub use pace::{Pace, PaceBook};

use crate::{application::ApplicationId, clock::Timestamp, keyring::LookupHash};

mod pace;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// The longest window there is: what a book must be filled with.
pub const LONGEST_WINDOW: Duration = DAY;

/// The limits of an application. The unit of all but the checks is a delivery. Zero means no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Wait between two deliveries of one verification.
    pub resend_after: Duration,
    /// Deliveries to one recipient in an hour.
    pub recipient_per_hour: u32,
    /// Deliveries to one recipient in a day.
    pub recipient_per_day: u32,
    /// Deliveries to one recipient in a day, over all applications.
    pub installation_recipient_per_day: u32,
    /// Checks for one recipient in an hour, over all its verifications.
    pub checks_per_hour: u32,
    /// Checks for one recipient in a day, over all its verifications.
    pub checks_per_day: u32,
    /// Deliveries of the application in a minute.
    pub application_per_minute: u32,
    /// Deliveries asked for from one network in an hour.
    pub network_per_hour: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            resend_after: MINUTE,
            recipient_per_hour: 5,
            recipient_per_day: 10,
            installation_recipient_per_day: 20,
            checks_per_hour: 10,
            checks_per_day: 20,
            application_per_minute: 0,
            network_per_hour: 60,
        }
    }
}

/// Live verifications per recipient and purpose.
pub const LIVE_VERIFICATIONS: usize = 3;

/// The name of a limit, as a refusal tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// The wait between two deliveries of one verification.
    ResendAfter,
    /// Deliveries to one recipient in an hour.
    RecipientPerHour,
    /// Deliveries to one recipient in a day.
    RecipientPerDay,
    /// Deliveries to one recipient in a day, over all applications.
    InstallationRecipientPerDay,
    /// Checks for one recipient in an hour.
    ChecksPerHour,
    /// Checks for one recipient in a day.
    ChecksPerDay,
    /// Deliveries of the application in a minute.
    ApplicationPerMinute,
    /// Deliveries asked for from one network in an hour.
    NetworkPerHour,
    /// Live verifications per recipient and purpose.
    LiveVerifications,
}

impl LimitName {
    /// The name in configuration, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResendAfter => "resend_after",
            Self::RecipientPerHour => "recipient_per_hour",
            Self::RecipientPerDay => "recipient_per_day",
            Self::InstallationRecipientPerDay => "installation_recipient_per_day",
            Self::ChecksPerHour => "checks_per_hour",
            Self::ChecksPerDay => "checks_per_day",
            Self::ApplicationPerMinute => "application_per_minute",
            Self::NetworkPerHour => "network_per_hour",
            Self::LiveVerifications => "live_verifications",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        use LimitName as N;
        let all = [
            N::ResendAfter,
            N::RecipientPerHour,
            N::RecipientPerDay,
            N::InstallationRecipientPerDay,
            N::ChecksPerHour,
            N::ChecksPerDay,
            N::ApplicationPerMinute,
            N::NetworkPerHour,
            N::LiveVerifications,
        ];
        all.into_iter().find(|name| name.as_str() == text)
    }

    /// What part of the limit public callers may use.
    const fn public_share(self) -> (u32, u32) {
        match self {
            Self::ChecksPerHour | Self::ChecksPerDay => (1, 2),
            Self::RecipientPerHour | Self::RecipientPerDay | Self::InstallationRecipientPerDay => (2, 3),
            Self::LiveVerifications => (2, 3),
            Self::ResendAfter | Self::ApplicationPerMinute | Self::NetworkPerHour => (1, 1),
        }
    }

    /// How many of `limit` public callers may use: the share rounded down, but never nothing.
    pub fn public_part(self, limit: u32) -> u32 {
        let (part, whole) = self.public_share();
        (limit * part / whole).max(1)
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: which limit, and when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitExceeded {
    /// Which limit.
    pub limit: LimitName,
    /// From when on the same call can pass, as far as this limit goes.
    pub retry_at: Timestamp,
}

/// What a charge is counted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Deliveries of an application to a recipient.
    Recipient(ApplicationId, LookupHash),
    /// Deliveries of all applications to a recipient.
    Installation(LookupHash),
    /// Deliveries of an application asked for from a network.
    Network(ApplicationId, LookupHash),
    /// Deliveries of an application.
    Application(ApplicationId),
    /// Checks of an application for a recipient.
    Checks(ApplicationId, LookupHash),
}

/// One limit to hold a charge against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The name that a refusal tells.
    pub name: LimitName,
    /// Where it counts.
    pub bucket: Bucket,
    /// How many.
    pub max: u32,
    /// In what span.
    pub span: Duration,
}

impl Limits {
    /// The rules that one delivery is charged against.
    pub fn for_delivery(
        &self,
        application: ApplicationId,
        recipient: LookupHash,
        network: Option<LookupHash>,
    ) -> Vec<Rule> {
        use LimitName as N;
        let to_recipient = Bucket::Recipient(application, recipient);
        let mut rules = vec![
            Rule {
                name: N::RecipientPerHour,
                bucket: to_recipient,
                max: self.recipient_per_hour,
                span: HOUR,
            },
            Rule { name: N::RecipientPerDay, bucket: to_recipient, max: self.recipient_per_day, span: DAY },
            Rule {
                name: N::InstallationRecipientPerDay,
                bucket: Bucket::Installation(recipient),
                max: self.installation_recipient_per_day,
                span: DAY,
            },
            Rule {
                name: N::ApplicationPerMinute,
                bucket: Bucket::Application(application),
                max: self.application_per_minute,
                span: MINUTE,
            },
        ];
        if let Some(network) = network {
            let bucket = Bucket::Network(application, network);
            rules.push(Rule { name: N::NetworkPerHour, bucket, max: self.network_per_hour, span: HOUR });
        }
        rules.retain(|rule| rule.max > 0);
        rules
    }

    /// The rules that one check is charged against.
    pub fn for_check(&self, application: ApplicationId, recipient: LookupHash) -> Vec<Rule> {
        let bucket = Bucket::Checks(application, recipient);
        let mut rules = vec![
            Rule { name: LimitName::ChecksPerHour, bucket, max: self.checks_per_hour, span: HOUR },
            Rule { name: LimitName::ChecksPerDay, bucket, max: self.checks_per_day, span: DAY },
        ];
        rules.retain(|rule| rule.max > 0);
        rules
    }
}

/// One charge in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Charge {
    at: Timestamp,
    public: bool,
}

/// The charges of the last day by bucket.
#[derive(Debug, Clone, Default)]
pub struct LimitBook {
    buckets: HashMap<Bucket, VecDeque<Charge>>,
}

impl LimitBook {
    /// Charges all `rules` at `now`, or none of them.
    ///
    /// # Errors
    /// The refusal that lasts longest.
    pub fn charge(&mut self, rules: &[Rule], public: bool, now: Timestamp) -> Result<(), LimitExceeded> {
        let refusals = rules.iter().filter_map(|rule| self.refusal(rule, public, now));
        if let Some(longest) = refusals.max_by_key(|refusal| refusal.retry_at) {
            return Err(longest);
        }
        let mut charged: Vec<Bucket> = rules.iter().map(|rule| rule.bucket).collect();
        charged.dedup();
        for bucket in charged {
            self.record(bucket, public, now);
        }
        Ok(())
    }

    /// Enters a charge that was granted earlier, as when the book is filled from rows. Any order.
    pub fn record(&mut self, bucket: Bucket, public: bool, at: Timestamp) {
        let charges = self.buckets.entry(bucket).or_default();
        let place = charges.partition_point(|charge| charge.at <= at);
        charges.insert(place, Charge { at, public });
    }

    /// Gives one charge back.
    pub fn give_back(&mut self, bucket: Bucket, at: Timestamp) {
        if let Some(charges) = self.buckets.get_mut(&bucket)
            && let Some(place) = charges.iter().position(|charge| charge.at == at)
        {
            charges.remove(place);
        }
    }

    /// Forgets what no window can see any more.
    pub fn prune(&mut self, now: Timestamp) {
        let horizon = now - LONGEST_WINDOW;
        self.buckets.retain(|bucket, charges| {
            let horizon = match bucket {
                Bucket::Application(_) => now - MINUTE,
                Bucket::Network(..) => now - HOUR,
                _ => horizon,
            };
            while charges.front().is_some_and(|charge| charge.at <= horizon) {
                charges.pop_front();
            }
            !charges.is_empty()
        });
    }

    fn refusal(&self, rule: &Rule, public: bool, now: Timestamp) -> Option<LimitExceeded> {
        let charges = self.buckets.get(&rule.bucket)?;
        let whole = retry_at(charges.iter(), rule.max, rule.span, now);
        let share = if public {
            let part = rule.name.public_part(rule.max);
            retry_at(charges.iter().filter(|charge| charge.public), part, rule.span, now)
        } else {
            None
        };
        whole.max(share).map(|retry_at| LimitExceeded { limit: rule.name, retry_at })
    }
}

/// When the window admits one more, if it does not now: when the oldest of its last `max` charges leaves it.
fn retry_at<'a>(
    charges: impl DoubleEndedIterator<Item = &'a Charge>,
    max: u32,
    span: Duration,
    now: Timestamp,
) -> Option<Timestamp> {
    let index = usize::try_from(max).unwrap_or(usize::MAX).checked_sub(1)?;
    let oldest_that_counts = charges.rev().nth(index)?;
    let free = oldest_that_counts.at + span;
    (free > now).then_some(free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const APP: ApplicationId = ApplicationId(1);
    const WHO: LookupHash = LookupHash([1; 16]);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000 + seconds * 1000)
    }

    #[test]
    fn the_sixth_delivery_in_an_hour_is_refused_with_the_moment_to_come_back() {
        let mut book = LimitBook::default();
        let rules = Limits::default().for_delivery(APP, WHO, None);
        for i in 0..5 {
            assert_eq!(book.charge(&rules, false, at(i * 60)), Ok(()));
        }
        let refused = book.charge(&rules, false, at(300)).unwrap_err();
        assert_eq!(refused, LimitExceeded { limit: LimitName::RecipientPerHour, retry_at: at(3600) });
        assert!(book.charge(&rules, false, at(3599)).is_err());
        assert_eq!(book.charge(&rules, false, refused.retry_at), Ok(()));
    }

    #[test]
    fn strangers_cannot_use_up_a_persons_messages() {
        let mut book = LimitBook::default();
        let rules = Limits::default().for_delivery(APP, WHO, None);
        let granted = (0..10).filter(|i| book.charge(&rules, true, at(*i)).is_ok()).count();
        assert_eq!(granted, 3, "two thirds of five");
        assert_eq!(book.charge(&rules, false, at(20)), Ok(()));
    }

    #[test]
    fn a_refused_charge_charges_nothing() {
        let mut book = LimitBook::default();
        let limits = Limits { network_per_hour: 1, ..Limits::default() };
        let rules = limits.for_delivery(APP, WHO, Some(LookupHash([9; 16])));
        assert!(book.charge(&rules, false, at(0)).is_ok());
        for _ in 0..20 {
            assert_eq!(book.charge(&rules, false, at(1)).unwrap_err().limit, LimitName::NetworkPerHour);
        }
        let elsewhere = limits.for_delivery(APP, WHO, None);
        assert_eq!((0..10).filter(|_| book.charge(&elsewhere, false, at(2)).is_ok()).count(), 4);
    }

    proptest! {
        #[test]
        fn no_span_ever_holds_more_than_the_limit(steps in prop::collection::vec(0_i64..900, 1..200), public: bool) {
            let limits = Limits::default();
            let rules = limits.for_delivery(APP, WHO, None);
            let (mut book, mut now, mut granted) = (LimitBook::default(), 0, Vec::new());
            for step in steps {
                now += step;
                book.prune(at(now));
                if book.charge(&rules, public, at(now)).is_ok() {
                    granted.push(now);
                }
            }
            for start in &granted {
                let within = |span: i64| granted.iter().filter(|t| (*start..start + span).contains(*t)).count();
                let (hourly, daily) = if public { (3, 6) } else { (5, 10) };
                prop_assert!(within(3600) <= hourly);
                prop_assert!(within(86_400) <= daily);
            }
        }
    }
}

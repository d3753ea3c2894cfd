//! The rows at which acts on one recipient, network or application wait for each other, and what is decided on there.
//!
//! A row holds the exact times of the charges and, for a recipient, the verifications that wait for their code. It is
//! text that grows at its end, so an act that is likely to be granted is appended to while the row is locked; if the
//! decision was another, the row is written once more. What no window sees any more stays until a row grows long.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use backstop_domain::{
    application::{ApplicationId, Authority},
    clock::Timestamp,
    id::VerificationId,
    keyring::LookupHash,
    limit::{Bucket, LONGEST_WINDOW, Rule},
};

use crate::{
    error::{Result, bad_row},
    memory::{Live, Memory},
};

/// The bytes of a row's key. Rows are locked in the order of their keys: a connection's
/// own, recipients, networks, applications.
pub(crate) type Key = Vec<u8>;

const CONNECTION: u8 = 0;
const RECIPIENT: u8 = 1;
const NETWORK: u8 = 2;
const APPLICATION: u8 = 3;
const PACE: u8 = 4;
/// A provider's month; see [`super::spending`].
pub(super) const MONTH: u8 = 5;
/// A text longer than this is written anew without what is over.
const LONG: usize = 1024;
/// Beside the window: a node whose clock is further from the others' takes no work.
const SLACK: Duration = Duration::from_secs(60);

/// The row of a recipient, over all applications.
pub(crate) fn recipient(hash: LookupHash) -> Key {
    [&[RECIPIENT], hash.0.as_slice()].concat()
}

/// The row in which a connection's transactions leave their traces.
pub(super) fn connection(name: &[u8]) -> Key {
    [&[CONNECTION], name].concat()
}

/// Whether a row is a recipient's.
pub(super) fn is_recipient(key: &Key) -> bool {
    key.first() == Some(&RECIPIENT)
}

/// The row of a provider's pace.
pub(crate) fn pace(provider: &str, span: Duration) -> Key {
    let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).to_be_bytes();
    [&[PACE], span.as_slice(), provider.as_bytes()].concat()
}

/// The first byte after every row that can be forgotten once it is old: paces and months are few and stay.
pub(super) fn first_to_stay() -> Key {
    vec![PACE]
}

/// The row that a bucket's charges stand in.
pub(crate) fn row_of(bucket: &Bucket) -> Key {
    let application = |application: &ApplicationId| application.0.to_be_bytes();
    match bucket {
        Bucket::Recipient(_, hash) | Bucket::Installation(hash) | Bucket::Checks(_, hash) => recipient(*hash),
        Bucket::Network(app, hash) => [&[NETWORK], application(app).as_slice(), hash.0.as_slice()].concat(),
        Bucket::Application(app) => [&[APPLICATION], application(app).as_slice()].concat(),
    }
}

/// One charge in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) at: Timestamp,
    pub(crate) is_check: bool,
    pub(crate) public: bool,
    pub(crate) application: ApplicationId,
}

impl Charge {
    /// As it stands in the row.
    pub(crate) fn text(&self) -> String {
        let kind = if self.is_check { 'c' } else { 'd' };
        let authority = if self.public { 'p' } else { 's' };
        format!("{}{kind}{authority}{} ", self.at.as_millis(), self.application.0)
    }

    fn parse(text: &str) -> Option<Self> {
        let kind = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (at, rest) = text.split_at(kind);
        let mut letters = rest.chars();
        Some(Self {
            at: Timestamp::from_millis(at.parse().ok()?),
            is_check: match letters.next()? {
                'c' => true,
                'd' => false,
                _ => return None,
            },
            public: match letters.next()? {
                'p' => true,
                's' => false,
                _ => return None,
            },
            application: ApplicationId(letters.as_str().parse().ok()?),
        })
    }
}

/// What a granted charge of `rules` adds, once to each row.
pub(super) fn charges(rules: &[Rule], public: bool, at: Timestamp) -> BTreeMap<Key, Charge> {
    let mut charges = BTreeMap::new();
    for rule in rules {
        let (is_check, application) = match rule.bucket {
            Bucket::Checks(application, _) => (true, Some(application)),
            Bucket::Recipient(application, _)
            | Bucket::Network(application, _)
            | Bucket::Application(application) => (false, Some(application)),
            // Stands in the same row as the application's own charge, which says whose it is where that one is limited.
            Bucket::Installation(_) => (false, None),
        };
        let charge = Charge { at, is_check, public, application: application.unwrap_or(ApplicationId(0)) };
        let of_row = charges.entry(row_of(&rule.bucket)).or_insert(charge);
        if application.is_some() {
            *of_row = charge;
        }
    }
    charges
}

/// A live verification as it stands in its recipient's row.
pub(crate) fn live_text(application: ApplicationId, live: &Live) -> String {
    let authority = if live.authority.is_public() { 'p' } else { 's' };
    let mut text = format!("{},{},{authority},{},", application.0, live.id, live.expires_at.as_millis());
    match live.join {
        Some(LookupHash(hash)) => hash.iter().for_each(|byte| {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }),
        None => text.push('-'),
    }
    let _ = writeln!(text, ",{}", live.purpose.as_str());
    text
}

fn parse_live(line: &str) -> Option<(ApplicationId, Live)> {
    let mut parts = line.split(',');
    let application = ApplicationId(parts.next()?.parse().ok()?);
    let id: VerificationId = parts.next()?.parse().ok()?;
    let authority = match parts.next()? {
        "p" => Authority::Public,
        "s" => Authority::Secret,
        _ => return None,
    };
    let expires_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let join = match parts.next()? {
        "-" => None,
        hash => Some(LookupHash(u128::from_str_radix(hash, 16).ok()?.to_be_bytes())),
    };
    let purpose = parts.next()?.parse().ok()?;
    Some((application, Live { id, purpose, join, expires_at, authority }))
}

/// A locked row: what stood in it, what was appended while it was locked, and what was decided since.
#[derive(Debug, Default)]
pub(super) struct BucketRow {
    charges: String,
    live: String,
    /// What the locking statement appended: right if the decisions were as expected.
    expected: (String, String),
    added: (String, String),
    rewritten: bool,
    latest: Timestamp,
}

impl BucketRow {
    /// Takes a row as the locking statement answered it, which had appended `expected`.
    pub(super) fn locked(charges: String, live: String, expected: (String, String)) -> Self {
        let before = |text: String, end: &str| text.strip_suffix(end).map(str::to_owned).unwrap_or(text);
        Self {
            charges: before(charges, &expected.0),
            live: before(live, &expected.1),
            expected,
            ..Self::default()
        }
    }

    /// Enters what stands in the row into the memory of the batch.
    pub(super) fn remember(&self, key: &Key, memory: &mut Memory) -> Result<()> {
        let bad =
            |column| bad_row("buckets", column, format!("{key:02x?}"), "not in the form of this column");
        for text in self.charges.split_ascii_whitespace() {
            let charge = Charge::parse(text).ok_or_else(|| bad("charges"))?;
            for bucket in buckets_of(key, &charge).ok_or_else(|| bad("key"))? {
                memory.record(bucket, charge.public, charge.at);
            }
        }
        if let (true, Ok(hash)) = (is_recipient(key), key[1..].try_into()) {
            for line in self.live.lines() {
                let (application, live) = parse_live(line).ok_or_else(|| bad("live"))?;
                memory.add_live(application, LookupHash(hash), live);
            }
        }
        Ok(())
    }

    /// Adds a charge.
    pub(super) fn charge(&mut self, charge: &Charge) {
        self.latest = self.latest.max(charge.at);
        self.added.0.push_str(&charge.text());
    }

    /// Takes one charge of that moment away.
    pub(super) fn give_back(&mut self, at: Timestamp) {
        let whole = format!("{}{}", self.charges, self.added.0);
        let mut gone = false;
        let keep = |text: &&str| {
            let this = !gone
                && Charge::parse(text.trim_end()).is_some_and(|charge| charge.at == at && !charge.is_check);
            gone |= this;
            !this
        };
        self.charges = whole.split_inclusive(' ').filter(keep).collect();
        self.added.0.clear();
        self.rewritten = true;
    }

    /// Adds a live verification.
    pub(super) fn add_live(&mut self, application: ApplicationId, live: &Live, now: Timestamp) {
        self.latest = self.latest.max(now);
        self.added.1.push_str(&live_text(application, live));
    }

    /// Takes a verification that ended away.
    pub(super) fn end(&mut self, application: ApplicationId, id: VerificationId) {
        let start = format!("{},{id},", application.0);
        let keep = |line: &&str| !line.starts_with(&start);
        let whole = format!("{}{}", self.live, self.added.1);
        self.live = whole.split_inclusive('\n').filter(keep).collect();
        self.added.1.clear();
        self.rewritten = true;
    }

    /// Charges and live verifications to write, if the row does not hold them already.
    pub(super) fn to_write(&self, key: &Key, now: Timestamp) -> Option<(String, String, Timestamp)> {
        let long =
            self.charges.len() + self.added.0.len() > LONG || self.live.len() + self.added.1.len() > LONG;
        let changed = self.rewritten || self.added != self.expected;
        if !changed && !long {
            return None;
        }
        let horizon = now - window_of(key) - SLACK;
        let whole = (format!("{}{}", self.charges, self.added.0), format!("{}{}", self.live, self.added.1));
        let charges: String = whole
            .0
            .split_inclusive(' ')
            .filter(|text| Charge::parse(text.trim_end()).is_none_or(|charge| charge.at > horizon))
            .collect();
        let live: String = whole
            .1
            .split_inclusive('\n')
            .filter(|line| parse_live(line.trim_end()).is_none_or(|(_, live)| live.expires_at + SLACK > now))
            .collect();
        // A long row from which nothing falls off stands as it is.
        let shorter = charges.len() + live.len() < whole.0.len() + whole.1.len();
        (changed || shorter).then_some((charges, live, self.latest.max(now)))
    }
}

/// The longest window that charges in this row count in.
fn window_of(key: &Key) -> Duration {
    match key.first() {
        Some(&APPLICATION) => Duration::from_secs(60),
        Some(&NETWORK) => Duration::from_secs(3600),
        _ => LONGEST_WINDOW,
    }
}

/// Every bucket that a charge in this row counts against.
fn buckets_of(key: &Key, charge: &Charge) -> Option<Vec<Bucket>> {
    let application = charge.application;
    Some(match (key.first()?, charge.is_check) {
        (&RECIPIENT, true) => vec![Bucket::Checks(application, LookupHash(key[1..].try_into().ok()?))],
        (&RECIPIENT, false) => {
            let hash = LookupHash(key[1..].try_into().ok()?);
            vec![Bucket::Recipient(application, hash), Bucket::Installation(hash)]
        }
        (&NETWORK, _) => vec![Bucket::Network(application, LookupHash(key[9..].try_into().ok()?))],
        (&APPLICATION, _) => vec![Bucket::Application(application)],
        _ => return None,
    })
}

#[cfg(test)]
mod tests;

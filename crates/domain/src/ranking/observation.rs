//! What became of one attempt, as nodes tell each other.
//!
//! Rows of one attempt merge into the same row in whatever order and however often they come: the surest end wins, and of
//! two equally sure ones the earlier.

use serde::{Deserialize, Serialize};

use crate::{channel::Channel, clock::Timestamp, id::AttemptId, recipient::Region};

/// How an attempt ended. The order is how sure it is, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Another attempt of the same verification was accepted, so that from here on nobody can say which one helped.
    Censored,
    /// The vendor's receipt says that it did not arrive.
    Undelivered,
    /// The vendor refused it for a reason that is not the recipient's.
    Refused,
    /// The person came back with the code of this attempt alone.
    Approved,
}

/// One attempt and what is known of it. An attempt without an end is pending, which is not a failure.
///
/// Refusals for the recipient's sake (no such number, opted out) say nothing of the provider: do not tell them. Nor an
/// approval after the attempt was censored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Which attempt: the key under which rows merge.
    pub attempt: AttemptId,
    /// Through whom.
    pub provider: String,
    /// How it travelled.
    pub channel: Channel,
    /// The numbering region that it went to.
    #[serde(default, with = "region", skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// When it was written down.
    pub sent_at: Timestamp,
    /// When a receipt said that it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// How it ended, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<(End, Timestamp)>,
}

/// The surer of two ends; of two equally sure ones the earlier.
pub(super) fn surer(
    one: Option<(End, Timestamp)>,
    other: Option<(End, Timestamp)>,
) -> Option<(End, Timestamp)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(match one.0.cmp(&other.0) {
            std::cmp::Ordering::Equal => (one.0, one.1.min(other.1)),
            std::cmp::Ordering::Greater => one,
            std::cmp::Ordering::Less => other,
        }),
        (one, other) => one.or(other),
    }
}

mod region {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::recipient::Region;

    #[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        region: &Option<Region>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match region {
            Some(region) => serializer.serialize_str(region.as_str()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Region>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| Region::parse(&text).ok_or_else(|| D::Error::custom("not a region"))).transpose()
    }
}

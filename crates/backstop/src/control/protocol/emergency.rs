//! Operators and emergency access.

use backstop_domain::{
    emergency::request::RequestState,
    id::{EmergencyRequestId, OperatorId, SessionId, UserId},
    operator::OperatorRole,
};
use serde::{Deserialize, Serialize};

use super::Private;

/// Who runs the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorsReply {
    /// Oldest first.
    pub operators: Vec<OperatorRow>,
}

/// One operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorRow {
    /// Names them.
    pub id: OperatorId,
    /// The name that they go by.
    pub name: String,
    /// What they may do.
    pub role: OperatorRole,
    /// Their address, masked.
    pub email: String,
    /// When they joined.
    pub joined_at: String,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteReply {
    /// The link, good once.
    pub link: Private,
    /// What whoever joins will be.
    pub role: OperatorRole,
    /// Until when it is good.
    pub expires_at: String,
}

/// An operator that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedReply {
    /// Who.
    pub id: OperatorId,
}

/// How emergency access stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyStatusReply {
    /// Whether a key is configured.
    pub on: bool,
    /// For users of which roles it opens.
    pub roles: Vec<String>,
    /// From which networks; empty: from everywhere.
    pub networks: Vec<String>,
    /// How many people each use takes.
    pub approvals: u8,
    /// When somebody got in with this key, which must be replaced since.
    pub key_used_at: Option<String>,
    /// Uses that nobody has reviewed, oldest first.
    pub to_review: Vec<EmergencyUseRow>,
    /// When the last use was that was a drill.
    pub last_drill: Option<String>,
    /// Whether that is more than 90 days ago, or was never.
    pub drill_due: bool,
}

/// A use that waits for a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyUseRow {
    /// The session that it opened.
    pub session: SessionId,
    /// When.
    pub at: String,
    /// For whom.
    pub user: Option<UserId>,
    /// Whether it is more than 72 hours ago.
    pub overdue: bool,
}

/// A use that was reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewedReply {
    /// The session that it opened.
    pub session: SessionId,
    /// Whether it was a drill.
    pub drill: bool,
}

/// Requests of the last day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyRequestsReply {
    /// Oldest first.
    pub requests: Vec<EmergencyRequestRow>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyRequestRow {
    /// Names it.
    pub id: EmergencyRequestId,
    /// In which application.
    pub application: Option<String>,
    /// Who wants to get in.
    pub user: UserId,
    /// When it was made.
    pub asked_at: String,
    /// From where, masked.
    pub network: Option<String>,
    /// How it stands.
    pub state: RequestState,
    /// Why, in the person's words.
    pub reason: Option<Private>,
}

/// A request that was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovedReply {
    /// Which.
    pub id: EmergencyRequestId,
}

/// Open sessions of emergency access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencySessionsReply {
    /// Oldest first in each application.
    pub sessions: Vec<EmergencySessionRow>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencySessionRow {
    /// Names it.
    pub id: SessionId,
    /// In which application.
    pub application: String,
    /// Whose.
    pub user: UserId,
    /// When it began.
    pub began_at: String,
    /// When it ends.
    pub ends_at: String,
    /// From where, masked.
    pub network: Option<String>,
}

/// A session that was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyEndedReply {
    /// Which.
    pub id: SessionId,
    /// Whether it was open.
    pub ended: bool,
}

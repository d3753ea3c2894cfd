//! A session: one signing in and what follows from it, until it ends.
//!
//! Its refresh token is exchanged for the next one, and only the number of the newest is kept. An older one that comes back was
//! copied: the whole session ends, because nobody can say which of the two holders is the person. The one exception is the same
//! exchange again within ten seconds: its answer was lost, and it gets the same answer. An ended session stays ended.

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Acr, InvalidWord};
use crate::{
    application::ApplicationId,
    clock::Timestamp,
    id::{SessionId, UserId},
    ports::Random,
};

/// How long a session lives, however often it is refreshed.
pub const SESSION: Duration = Duration::from_secs(30 * 86_400);
/// How long emergency access lives.
pub const EMERGENCY_SESSION: Duration = Duration::from_secs(60 * 60);
/// How long the answer to an exchange is given again.
pub const RETRY: Duration = Duration::from_secs(10);

/// What a session is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// Signed in by one's own factors.
    Normal,
    /// Let in by the emergency key: an hour, and never refreshed.
    Emergency,
}

impl SessionKind {
    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Emergency => "emergency",
        }
    }
}

impl FromStr for SessionKind {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Self, InvalidWord> {
        [Self::Normal, Self::Emergency].into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidWord)
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The person signed out.
    SignedOut,
    /// A refresh token came back that had been exchanged.
    Reuse,
    /// A factor of the person changed.
    FactorChanged,
    /// An administrator ended it.
    Admin,
    /// The person was erased.
    Erased,
    /// Its time was over.
    Expired,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::SignedOut, Self::Reuse, Self::FactorChanged, Self::Admin, Self::Erased, Self::Expired];

    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Reuse => "reuse",
            Self::FactorChanged => "factor_changed",
            Self::Admin => "admin",
            Self::Erased => "erased",
            Self::Expired => "expired",
        }
    }
}

impl FromStr for EndReason {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Self, InvalidWord> {
        Self::ALL.into_iter().find(|why| why.as_str() == text).ok_or(InvalidWord)
    }
}

/// That a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: EndReason,
}

/// One signing in, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names it; a new one for every signing in.
    pub id: SessionId,
    /// The application.
    pub application: ApplicationId,
    /// The person.
    pub user: UserId,
    /// What it is good for.
    pub kind: SessionKind,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// When the person last showed a factor.
    pub auth_time: Timestamp,
    /// The ways in that were gone.
    pub amr: Vec<String>,
    /// How sure that makes it.
    pub acr: Acr,
    /// The trusted device that it lives on.
    pub device: Option<String>,
    /// The network that it began in, masked.
    pub network: Option<String>,
    /// The number of the newest refresh token.
    pub generation: u32,
    /// When that one was given for the one before it.
    pub rotated_at: Option<Timestamp>,
    /// Whether and why it ended.
    pub ended: Option<Ended>,
    /// Until when it changes nothing of its person's: it began with a code alone, which may have gone to an address that was new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_hold_until: Option<Timestamp>,
}

/// How the person of a new session signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The application.
    pub application: ApplicationId,
    /// The person.
    pub user: UserId,
    /// By their own factors, or by the emergency key.
    pub kind: SessionKind,
    /// The ways that were gone.
    pub amr: Vec<String>,
    /// How sure that makes it.
    pub acr: Acr,
    /// The trusted device.
    pub device: Option<String>,
    /// The network, masked.
    pub network: Option<String>,
    /// How long a normal session lives, however often it is refreshed.
    pub life: Duration,
    /// Until when it changes nothing.
    pub on_hold_until: Option<Timestamp>,
}

/// What became of a refresh token that is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// Exchanged: here is the number of the next one.
    Rotated {
        /// Its number.
        generation: u32,
    },
    /// Exchanged a moment ago: the same next one again. Nothing changed.
    Same {
        /// Its number.
        generation: u32,
    },
    /// Exchanged before: the session is ended now.
    Reused,
    /// The session had ended.
    Ended,
}

impl Session {
    /// Begins a session.
    pub fn begin(by: SignedIn, now: Timestamp, random: &dyn Random) -> Self {
        let life = match by.kind {
            SessionKind::Normal => by.life,
            SessionKind::Emergency => EMERGENCY_SESSION,
        };
        Self {
            id: SessionId::new(now, random),
            application: by.application,
            user: by.user,
            kind: by.kind,
            created_at: now,
            last_used_at: now,
            expires_at: now + life,
            auth_time: now,
            amr: by.amr,
            acr: by.acr,
            device: by.device,
            network: by.network,
            generation: 1,
            rotated_at: None,
            on_hold_until: by.on_hold_until,
            ended: None,
        }
    }

    /// Whether it can still be used. `idle` is how long it may go without being refreshed.
    pub fn is_live(&self, now: Timestamp, idle: Duration) -> bool {
        self.ended.is_none() && now < self.expires_at && now < self.last_used_at + idle
    }

    /// Ends it. The first reason stays. Says whether it was still going.
    pub fn end(&mut self, why: EndReason, now: Timestamp) -> bool {
        let was_going = self.ended.is_none();
        self.ended.get_or_insert(Ended { at: now, why });
        was_going
    }

    /// Exchanges the refresh token number `presented`, whose MAC was found to be ours.
    pub fn refresh(&mut self, presented: u32, now: Timestamp, idle: Duration) -> Refreshed {
        if self.kind == SessionKind::Emergency || self.ended.is_some() {
            return Refreshed::Ended;
        }
        if !self.is_live(now, idle) {
            self.end(EndReason::Expired, now);
            return Refreshed::Ended;
        }
        if presented < self.generation {
            let is_last = presented.checked_add(1) == Some(self.generation);
            if is_last && self.rotated_at.is_some_and(|at| now.since(at) <= RETRY) {
                return Refreshed::Same { generation: self.generation };
            }
            self.end(EndReason::Reuse, now);
            return Refreshed::Reused;
        }
        // A newer one than was written down is ours all the same: the store was put back to an earlier day.
        let Some(next) = presented.checked_add(1) else { return Refreshed::Ended };
        self.generation = next;
        self.rotated_at = Some(now);
        self.last_used_at = now;
        Refreshed::Rotated { generation: next }
    }
}

#[cfg(test)]
mod tests;

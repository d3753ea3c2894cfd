//! A use of emergency access that somebody else has to approve first.
//!
//! It waits a quarter of an hour for its approval, and then a quarter of an hour to be used, once, by the same person with the
//! same key. The reason is sealed. Every rule is pure: the store runs it on the row that it holds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    application::ApplicationId,
    clock::Timestamp,
    id::{EmergencyRequestId, OperatorId, UserId},
    keyring::{Keyring, KeyringError, Sealed},
    ports::Random,
    secret::SecretString,
};

/// How long it waits for its approval.
pub const APPROVED_WITHIN: Duration = Duration::from_mins(15);
/// How long an approved one waits for its use.
pub const USED_WITHIN: Duration = Duration::from_mins(15);

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyRequest {
    /// Names it.
    pub id: EmergencyRequestId,
    /// Whose person.
    pub application: ApplicationId,
    /// Who wants to get in.
    pub user: UserId,
    /// The fingerprint of the key that came with it.
    pub key: String,
    /// When it was made.
    pub asked_at: Timestamp,
    /// From where, masked.
    pub network: Option<String>,
    /// Why, in the person's words.
    pub reason: Sealed,
    /// Who approved it, and when.
    pub approval: Option<Approval>,
    /// When somebody got in with it.
    pub used_at: Option<Timestamp>,
}

/// That somebody else approved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// When.
    pub at: Timestamp,
    /// Who; `None`: whoever may run the program's commands.
    pub by: Option<OperatorId>,
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// It waits for its approval.
    Waiting,
    /// It was approved, and waits for its use.
    Approved,
    /// It was used.
    Used,
    /// It waited too long.
    Expired,
}

impl RequestState {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Used => "used",
            Self::Expired => "expired",
        }
    }
}

impl EmergencyRequest {
    /// Makes one. Whoever comes back with it must be the same person with the same key.
    pub fn ask(
        (application, user): (ApplicationId, UserId),
        key: String,
        (reason, network): (&str, Option<String>),
        now: Timestamp,
        ring: &Keyring,
        random: &dyn Random,
    ) -> Self {
        let id = EmergencyRequestId::new(now, random);
        let reason = ring.seal(reason.as_bytes(), &context(id), random);
        Self { id, application, user, key, asked_at: now, network, reason, approval: None, used_at: None }
    }

    /// How it stands now.
    pub fn state(&self, now: Timestamp) -> RequestState {
        match (self.used_at, self.approval) {
            (Some(_), _) => RequestState::Used,
            (None, Some(approval)) if now < approval.at + USED_WITHIN => RequestState::Approved,
            (None, None) if now < self.asked_at + APPROVED_WITHIN => RequestState::Waiting,
            _ => RequestState::Expired,
        }
    }

    /// Approves one that waits. Says how it stood: nothing changed unless that was [`RequestState::Waiting`].
    pub fn approve(&mut self, approval: Approval) -> RequestState {
        let stood = self.state(approval.at);
        if stood == RequestState::Waiting {
            self.approval = Some(approval);
        }
        stood
    }

    /// Uses one that was approved. Says how it stood: nothing changed unless that was [`RequestState::Approved`].
    pub fn take(&mut self, now: Timestamp) -> RequestState {
        let stood = self.state(now);
        if stood == RequestState::Approved {
            self.used_at = Some(now);
        }
        stood
    }

    /// Whether it is this person's, asked with this key.
    pub fn is_of(&self, application: ApplicationId, user: UserId, key: &str) -> bool {
        self.application == application && self.user == user && self.key == key
    }

    /// When it ends if nothing happens.
    pub fn ends_at(&self) -> Timestamp {
        self.approval.map_or(self.asked_at + APPROVED_WITHIN, |approval| approval.at + USED_WITHIN)
    }

    /// Reads the reason.
    ///
    /// # Errors
    /// If the key is gone, or the value was changed or moved.
    pub fn open_reason(&self, ring: &Keyring) -> Result<SecretString, KeyringError> {
        let plain = ring.open(&self.reason, &context(self.id))?;
        String::from_utf8(plain).map(SecretString::new).map_err(|_| KeyringError::DoesNotOpen)
    }
}

fn context(id: EmergencyRequestId) -> Vec<u8> {
    format!("emergency_requests|{id}|reason").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ports::random::SeededRandom, token::tests::ring};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    fn asked() -> EmergencyRequest {
        let random = SeededRandom::new(3);
        let user = UserId::new(at(-9), &random);
        let why = ("the SMS gateway is down", None);
        EmergencyRequest::ask((ApplicationId(7), user), "k1".into(), why, at(0), &ring(1), &random)
    }

    fn approval(seconds: i64) -> Approval {
        Approval { at: at(seconds), by: None }
    }

    #[test]
    fn a_request_waits_a_quarter_of_an_hour_for_its_approval_and_one_for_its_use() {
        let mut request = asked();
        assert_eq!(request.take(at(1)), RequestState::Waiting, "nobody gets in before the approval");
        assert_eq!(request.used_at, None);
        let states = (request.state(at(899)), request.state(at(900)));
        assert_eq!(states, (RequestState::Waiting, RequestState::Expired));
        assert_eq!(request.clone().approve(approval(900)), RequestState::Expired);
        assert_eq!(request.approve(approval(899)), RequestState::Waiting);
        assert_eq!(request.ends_at(), at(1799));
        let states = (request.state(at(1798)), request.state(at(1799)));
        assert_eq!(states, (RequestState::Approved, RequestState::Expired));
        assert_eq!(request.clone().take(at(1799)), RequestState::Expired);
    }

    #[test]
    fn a_request_is_approved_once_and_used_once() {
        let mut request = asked();
        request.approve(approval(10));
        assert_eq!(request.approve(approval(20)), RequestState::Approved);
        assert_eq!(request.approval, Some(approval(10)), "a second approval prolongs nothing");
        assert_eq!(request.take(at(30)), RequestState::Approved);
        assert_eq!(request.take(at(31)), RequestState::Used);
        assert_eq!(request.approve(approval(32)), RequestState::Used);
    }

    #[test]
    fn a_request_serves_its_own_person_with_its_own_key_and_its_reason_is_sealed() {
        let request = asked();
        let other = UserId::new(at(-8), &SeededRandom::new(4));
        assert!(request.is_of(ApplicationId(7), request.user, "k1"));
        assert!(!request.is_of(ApplicationId(8), request.user, "k1"));
        assert!(!request.is_of(ApplicationId(7), other, "k1"));
        assert!(!request.is_of(ApplicationId(7), request.user, "k2"), "a rotated key ends what waits");
        assert_eq!(request.open_reason(&ring(1)).unwrap().expose(), "the SMS gateway is down");
        let moved = EmergencyRequest { id: EmergencyRequestId::new(at(1), &SeededRandom::new(5)), ..request };
        assert!(moved.open_reason(&ring(1)).is_err());
    }
}

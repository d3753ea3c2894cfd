//! Whose sign-in a verification belongs to.
//!
//! One that signs a person in is never redeemed and joins no other. A decoy stands for an address that belongs to nobody: it is
//! stored, charged and checked like any other, so that a stranger cannot tell, but nothing is sent for it and no code is
//! right.

use std::{fmt, str::FromStr};

use crate::id::UserId;

/// Whose sign-in it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// This user's.
    User(UserId),
    /// A decoy: it was asked for an address that belongs to no user.
    Nobody,
}

/// How [`Subject::Nobody`] is written.
const NOBODY: &str = "nobody";

/// The text is not a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject is the id of a user, or nobody")]
pub struct UnknownSubject;

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => fmt::Display::fmt(user, f),
            Self::Nobody => f.write_str(NOBODY),
        }
    }
}

impl FromStr for Subject {
    type Err = UnknownSubject;
    fn from_str(text: &str) -> Result<Self, UnknownSubject> {
        match text {
            NOBODY => Ok(Self::Nobody),
            user => user.parse().map(Self::User).map_err(|_| UnknownSubject),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, ports::random::SeededRandom};

    #[test]
    fn a_subject_reads_back_as_it_is_written_and_nothing_else_does() {
        let user = UserId::new(Timestamp::from_millis(1), &SeededRandom::new(1));
        for subject in [Subject::User(user), Subject::Nobody] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        assert!(Subject::User(user).to_string().starts_with("usr_"));
        for bad in ["", "Nobody", "nobody ", "usr_", &user.to_string().replace("usr", "ver")] {
            assert_eq!(bad.parse::<Subject>(), Err(UnknownSubject), "{bad}");
        }
    }
}

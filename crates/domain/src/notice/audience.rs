//! Who is told what: the person, the operators, the application.
//!
//! A pure function from what happened to the notices that it owes, so that the act which makes it happen can write both in one
//! transaction. A kind that nobody is to hear of owes none.

use std::collections::BTreeSet;

use super::{Detail, NewNotice, NoticeKind, Target};
use crate::{
    application::ApplicationId,
    clock::Timestamp,
    id::{NoticeId, UserId},
    keyring::Keyring,
    ports::Random,
    recipient::EmailAddress,
};

/// A webhook that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its configured name.
    pub name: String,
    /// Whose events; `None`: those that operators hear of, of every application.
    pub application: Option<ApplicationId>,
    /// Which events; `None`: all.
    pub kinds: Option<BTreeSet<NoticeKind>>,
}

impl Endpoint {
    fn hears(&self, happening: &Happening<'_>) -> bool {
        let meant = match self.application {
            Some(application) => application == happening.application,
            None => happening.kind.is_for_operators(),
        };
        meant && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&happening.kind))
    }
}

/// Everybody who may be told something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// Whether people are told of what happens to their own account.
    pub person: bool,
    /// The addresses of those who run the service.
    pub operators: Vec<EmailAddress>,
    /// Webhooks.
    pub endpoints: Vec<Endpoint>,
}

/// Something that people must hear of.
#[derive(Debug, Clone, Copy)]
pub struct Happening<'a> {
    /// Where.
    pub application: ApplicationId,
    /// What.
    pub kind: NoticeKind,
    /// To whom; `None`: to nobody that is known.
    pub user: Option<UserId>,
    /// The person's confirmed addresses, each of which is told; after a change of address, the old one among them.
    pub emails: &'a [EmailAddress],
    /// What else can be told.
    pub detail: &'a Detail,
    /// When.
    pub at: Timestamp,
    /// Counts the events of the person.
    pub sequence: u64,
}

impl Audience {
    /// The notices that this owes, one for each target, to be written down with it.
    pub fn notices(&self, happening: &Happening<'_>, ring: &Keyring, random: &dyn Random) -> Vec<NewNotice> {
        let person = happening.emails.iter().filter(|_| self.person);
        let operators = self.operators.iter().filter(|_| happening.kind.is_for_operators());
        let webhooks = self.endpoints.iter().filter(|endpoint| endpoint.hears(happening));

        let mut notices = Vec::new();
        let mut add = |target: &dyn Fn(NoticeId) -> Target| {
            let id = NoticeId::new(happening.at, random);
            notices.push(NewNotice {
                id,
                application: happening.application,
                kind: happening.kind,
                user: happening.user,
                target: target(id),
                at: happening.at,
                detail: happening.detail.clone(),
                sequence: happening.sequence,
            });
        };
        let sealed = |id, to| NewNotice::seal((happening.application, id), to, ring, random);
        for to in person {
            add(&|id| Target::Person(sealed(id, to)));
        }
        for to in operators {
            add(&|id| Target::Operator(sealed(id, to)));
        }
        for endpoint in webhooks {
            add(&|_| Target::Webhook(endpoint.name.clone()));
        }
        notices
    }
}

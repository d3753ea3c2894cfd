//! The people of a store: none to be reached if it is down, else a register in memory that runs every act under one lock.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    factor::tries::Tries,
    id::UserId,
    keyring::LookupHash,
    ports::store::{File, Lookup, Once, People, PersonAct, UserFilter, Whom},
    token::session::Session,
    user::User,
};
use parking_lot::Mutex;
use serde_json::Value;

use super::{Down, Stored, down};

/// What is known of people.
#[derive(Default)]
pub(super) struct Register(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    users: Vec<User>,
    sessions: Vec<Session>,
    tries: HashMap<String, Tries>,
    used: HashSet<LookupHash>,
    answers: HashMap<LookupHash, (LookupHash, Value)>,
}

impl Kept {
    fn find(&self, application: ApplicationId, whom: Whom) -> Option<User> {
        let session = |id| self.sessions.iter().find(|one| one.id == id).map(|one| one.user);
        let fits = |user: &User| match whom {
            Whom::User(id) => user.id == id,
            Whom::Address(hash) => user.lookups().contains(&Lookup::Address(hash)),
            Whom::Passkey(hash) => user.lookups().contains(&Lookup::Passkey(hash)),
            Whom::Session(id) => session(id) == Some(user.id),
        };
        self.users.iter().find(|user| user.application == application && fits(user)).cloned()
    }

    fn run(&mut self, act: &mut PersonAct) -> Once<Value> {
        if let Some(asked) = act.idempotency
            && let Some((body, answer)) = self.answers.get(&asked.key)
        {
            return if *body == asked.body { Once::Before(answer.clone()) } else { Once::OtherBody };
        }
        let user = self.find(act.application, act.whom);
        let id = user.as_ref().map(|user| user.id);
        let tries = format!("{} {:?} {:?}", act.application, act.factor, id.map_or(act.whom, Whom::User));
        let network = format!("{:?}", act.network);
        let owner = |lookup: &Lookup| {
            let has = |user: &&User| user.application == act.application && user.lookups().contains(lookup);
            self.users.iter().find(has).map(|user| (*lookup, user.id))
        };
        let mut file = File {
            sessions: self.sessions.iter().filter(|one| Some(one.user) == id).cloned().collect(),
            user,
            tries: self.tries.get(&tries).cloned().unwrap_or_default(),
            network: self.tries.get(&network).cloned().unwrap_or_default(),
            owners: act.claims.iter().filter_map(owner).collect(),
            used_before: act.once.is_some_and(|(hash, _)| self.used.contains(&hash)),
            use_up: false,
            emergency: None,
            records: Vec::new(),
            notices: Vec::new(),
        };
        let answer = (act.rule)(&mut file);
        self.users.retain(|user| Some(user.id) != id);
        self.users.extend(file.user);
        self.sessions.retain(|one| Some(one.user) != id);
        self.sessions.extend(file.sessions);
        self.tries.insert(tries, file.tries);
        self.tries.insert(network, file.network);
        self.used.extend(act.once.filter(|_| file.use_up).map(|(hash, _)| hash));
        self.answers.extend(act.idempotency.map(|asked| (asked.key, (asked.body, answer.clone()))));
        Once::Done(answer)
    }
}

#[async_trait]
impl People for Down {
    async fn person(&self, mut act: PersonAct) -> Stored<Once<Value>> {
        self.people.as_ref().map_or_else(down, |register| Ok(register.0.lock().run(&mut act)))
    }
    async fn find(&self, application: ApplicationId, whom: Whom) -> Stored<Option<User>> {
        self.people.as_ref().map_or_else(down, |register| Ok(register.0.lock().find(application, whom)))
    }
    async fn sessions(&self, application: ApplicationId, user: UserId, _: Timestamp) -> Stored<Vec<Session>> {
        let of = |one: &&Session| one.application == application && one.user == user;
        self.people
            .as_ref()
            .map_or_else(down, |register| Ok(register.0.lock().sessions.iter().filter(of).cloned().collect()))
    }
    async fn users(&self, application: ApplicationId, filter: UserFilter) -> Stored<Vec<User>> {
        let fits = |user: &&User| {
            user.application == application
                && filter.address.is_none_or(|hash| user.lookups().contains(&Lookup::Address(hash)))
                && filter.role.as_ref().is_none_or(|role| user.role.as_str() == role)
                && filter.after.is_none_or(|after| user.id > after)
        };
        self.people.as_ref().map_or_else(down, |register| {
            Ok(register.0.lock().users.iter().filter(fits).take(filter.limit as usize).cloned().collect())
        })
    }
    async fn forget_people(&self, _: Timestamp) -> Stored<()> {
        down()
    }
}

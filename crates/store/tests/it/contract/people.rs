//! People at rest: one act changes whatever belongs to a person, alone, and all of it or nothing.

mod acts;
mod damage;
mod erased;
mod kept;
mod lookups;
mod pages;
pub(crate) mod races;

use std::time::Duration;

use backstop_domain::{
    factor::{
        backup_code::{BackupCodeForm, BackupCodes},
        passkey::{CredentialId, NewPasskey, Passkey, Passkeys, UserHandle},
        password::PasswordHash,
        pin::{DevicePin, Pin},
        totp::Totp,
        trusted_device::{Device, DeviceName, NewDevice},
    },
    id::{SessionId, UserId},
    ports::store::{File, Lookup, Once, People as _, PersonAct, StoreError, Whom},
    recipient::Recipient,
    token::{
        Acr,
        session::{Session, SessionKind, SignedIn},
    },
    user::{Address, Profile, SecondFactor, User, UserStatus, address_hash, context},
};
use serde_json::{Value, json};

use super::World;
use crate::setup::{APP, ASHA, RAVI, at, seconds, wait};

const DAY: i64 = 86_400;

/// An act that asks for nothing beside the person.
pub(crate) fn act(whom: Whom, rule: impl FnMut(&mut File) -> Value + Send + Sync + 'static) -> PersonAct {
    PersonAct {
        application: APP,
        whom,
        factor: None,
        network: None,
        claims: vec![],
        once: None,
        idempotency: None,
        now: at(1),
        rule: Box::new(rule),
    }
}

/// A rule that counts in the person's document, which shows an update that was lost.
pub(crate) fn count(file: &mut File) -> Value {
    file.user.as_mut().unwrap().profile.notices += 1;
    Value::Null
}

impl World {
    pub(crate) fn try_person(&self, act: PersonAct) -> Result<Once<Value>, StoreError> {
        wait(self.store.person(act))
    }

    /// An act that must be done.
    pub(crate) fn person(&self, act: PersonAct) -> Value {
        match self.try_person(act).unwrap() {
            Once::Done(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn find(&self, whom: Whom) -> Option<User> {
        wait(self.store.find(APP, whom)).unwrap()
    }

    fn address_of(&self, user: UserId, to: &str, confirmed: bool) -> Address {
        let to = Recipient::parse(to, None).unwrap();
        Address::seal(&self.ring, (APP, user), &to, (at(0), confirmed), &self.random)
    }

    pub(crate) fn lookup(&self, to: &str) -> Lookup {
        Lookup::Address(address_hash(&self.ring, &Recipient::parse(to, None).unwrap()))
    }

    pub(crate) fn whoever_has(&self, to: &str) -> Whom {
        Whom::Address(address_hash(&self.ring, &Recipient::parse(to, None).unwrap()))
    }

    /// A user with these confirmed addresses, not written yet.
    pub(crate) fn new_user(&self, addresses: &[&str]) -> User {
        let id = UserId::new(at(0), &self.random);
        let addresses = addresses.iter().map(|to| self.address_of(id, to, true)).collect();
        User {
            id,
            application: APP,
            created_at: at(0),
            updated_at: at(1),
            status: UserStatus::Active,
            role: "driver".parse().unwrap(),
            second_factor: SecondFactor::Optional,
            profile: Profile { addresses, ..Profile::default() },
        }
    }

    /// Writes a user whose look-ups are free.
    pub(crate) fn make(&self, user: &User) {
        let (new, claims) = (user.clone(), user.lookups().into_iter().collect());
        let rule = move |file: &mut File| {
            assert!(file.user.is_none() && file.owners.is_empty());
            file.user = Some(new.clone());
            Value::Null
        };
        self.person(PersonAct { claims, ..act(Whom::User(user.id), rule) });
    }

    pub(crate) fn person_with(&self, addresses: &[&str]) -> User {
        let user = self.new_user(addresses);
        self.make(&user);
        user
    }

    fn passkey(&self, number: u8) -> NewPasskey {
        let passkey = Passkey {
            id: CredentialId::new(vec![number; 32]).unwrap(),
            record: vec![1, 2, 3],
            counter: 7,
            backup_eligible: true,
            backed_up: false,
            transports: vec![],
            user_verified: true,
            name: "Schlüssel \"1\"".into(),
            created_at: at(0),
            last_used_at: None,
        };
        NewPasskey { handle: UserHandle::new(&self.random), passkey }
    }

    pub(crate) fn session_of(&self, user: UserId, now: i64, life: u64) -> Session {
        let by = SignedIn {
            application: APP,
            user,
            kind: SessionKind::Normal,
            amr: vec!["otp".into(), "sms".into()],
            acr: Acr::Aal2,
            device: Some("device".into()),
            network: None,
            life: Duration::from_secs(life),
            on_hold_until: None,
        };
        Session::begin(by, at(now), &self.random)
    }

    /// Begins a session.
    pub(crate) fn signed_in(&self, user: UserId, now: i64, life: u64) -> Session {
        let session = self.session_of(user, now, life);
        let new = session.clone();
        let rule = move |file: &mut File| {
            file.sessions.push(new.clone());
            Value::Null
        };
        self.person(PersonAct { now: at(now), ..act(Whom::User(user), rule) });
        session
    }

    pub(crate) fn sessions_at(&self, user: UserId, now: i64) -> Vec<SessionId> {
        let sessions = wait(self.store.sessions(APP, user, at(now))).unwrap();
        sessions.into_iter().map(|session| session.id).collect()
    }
}

fn is_internal(answer: &Result<Once<Value>, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Internal(_)))
}

#[test]
fn a_user_is_read_back_as_it_was_written_with_every_factor() {
    let world = World::new();
    let (ring, random) = (&world.ring, &world.random);
    let mut user = world.new_user(&[ASHA, "Asha+shop@example.com"]);
    user.profile.addresses.push(world.address_of(user.id, RAVI, false));
    (user.profile.locale, user.profile.notices) = (Some("hi-IN".into()), u64::from(u32::MAX) + 1);
    (user.status, user.second_factor) = (UserStatus::Suspended, SecondFactor::Required);
    let ways = &mut user.profile.ways;
    let place = |column| context(APP, user.id, column);
    ways.password = Some(PasswordHash::dummy());
    ways.totp = Some(Totp::enrol(&place("totp"), ring, random, at(0)).0);
    ways.totp_enrolment = Some(Totp::enrol(&place("totp"), ring, random, at(1)).0);
    let form = BackupCodeForm::default();
    ways.backup_codes = Some(BackupCodes::generate(&place("backup_codes"), ring, random, at(0), form).1);
    let named = NewDevice {
        name: DeviceName::parse("Ashas Handy").unwrap(),
        external_id: None,
        public_key: None,
        network: Some("192.0.2.0/24".into()),
    };
    let mut device = Device::remember(named, seconds(60), at(0), random);
    let hash = Pin::parse("4711").unwrap().hash(ring, device.id, random).unwrap();
    device.pin = Some(DevicePin::set(hash, seconds(60), at(0)));
    ways.devices = vec![device];
    Passkeys::add(&mut ways.passkeys, world.passkey(1)).unwrap();
    world.make(&user);

    let world = world.reopened(at(2));
    let passkey = user.profile.ways.passkeys.as_ref().unwrap().held()[0].id.lookup();
    for whom in [Whom::User(user.id), world.whoever_has(ASHA), Whom::Passkey(passkey)] {
        assert_eq!(world.find(whom).as_ref(), Some(&user), "{whom:?}");
    }
    let found = world.find(Whom::User(user.id)).unwrap();
    assert_eq!(found.open(&world.ring, &found.profile.addresses[0]).unwrap().expose(), ASHA);
    assert_eq!(world.number("SELECT count(*) FROM users WHERE profile LIKE '%98765%'"), 0);
    world.person(act(Whom::User(user.id), move |file| {
        assert_eq!(file.user.as_ref(), Some(&user));
        json!(null)
    }));
}

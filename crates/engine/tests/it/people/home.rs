//! A house for people: an engine on a store, users in it, and sessions and devices that they are given without signing in.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    application::Authority,
    channel::Channel,
    code::SubmittedCode,
    factor::trusted_device::{Device, DeviceName, NewDevice, TRUST, key::DeviceKey},
    id::{DeviceId, SessionId, UserId},
    ports::store::{File, Once, People, PersonAct, Whom},
    recipient::Recipient,
    secret::SecretString,
    token::{
        Acr,
        session::{EndReason, Ended, Session, SessionKind, SignedIn},
    },
    user::User,
};
use backstop_engine::{
    Caller, Engine,
    manage::{ManageError, Manager},
    users::{NewAddress, NewUser, UserReport},
};
use futures::executor::block_on;
use serde_json::{Value, json};

use crate::house::{House, caller};

pub(super) const PHONE: &str = "+919876543210";
pub(super) const OTHER_PHONE: &str = "+919876500000";
pub(super) const MAIL: &str = "asha@example.com";
pub(super) const OTHER_MAIL: &str = "ravi@example.com";

pub(super) struct Home {
    pub(super) house: House,
    pub(super) engine: Arc<Engine>,
}

pub(super) fn to(text: &str) -> Recipient {
    Recipient::parse(text, None).unwrap()
}

pub(super) fn confirmed(text: &str) -> NewAddress {
    NewAddress { to: to(text), confirmed: true }
}

pub(super) fn secret(text: &str) -> SecretString {
    SecretString::new(text)
}

pub(super) fn code(text: &str) -> SubmittedCode {
    SubmittedCode::parse(text).unwrap()
}

/// The part of the request that was refused.
pub(super) fn field<T: std::fmt::Debug>(result: Result<T, ManageError>) -> &'static str {
    match result {
        Err(ManageError::OutOfBounds { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

impl Home {
    pub(super) fn new() -> Self {
        let mut house = House::new(11);
        house.ladder.push(Channel::Email);
        house.public_url = Some("http://localhost:8080".into());
        Self { engine: house.process("shop"), house }
    }

    pub(super) fn caller(&self) -> Caller {
        caller(&self.engine)
    }

    pub(super) fn application(&self) -> Manager {
        Manager::application(self.caller()).unwrap()
    }

    /// Makes a user with these confirmed addresses.
    pub(super) fn user(&self, addresses: &[&str]) -> UserId {
        let addresses = addresses.iter().map(|text| confirmed(text)).collect();
        self.create(NewUser { addresses, ..NewUser::default() }).unwrap().id
    }

    pub(super) fn create(&self, new: NewUser) -> Result<UserReport, ManageError> {
        block_on(self.engine.create_user(&self.application(), new, None))
    }

    pub(super) fn report(&self, user: UserId) -> UserReport {
        block_on(self.engine.user(&self.application(), user)).unwrap()
    }

    /// The row as it is kept.
    pub(super) fn row(&self, user: UserId) -> Option<User> {
        block_on(self.house.store.find(self.caller().application.id, Whom::User(user))).unwrap()
    }

    /// How many notices the person was owed.
    pub(super) fn notices(&self, user: UserId) -> u64 {
        self.row(user).unwrap().profile.notices
    }

    /// The person by a session of theirs, which began now.
    pub(super) fn person(&self, user: UserId, amr: &[&str], acr: Acr) -> Manager {
        self.person_of(user, amr, acr, SessionKind::Normal)
    }

    pub(super) fn person_of(&self, user: UserId, amr: &[&str], acr: Acr, kind: SessionKind) -> Manager {
        let by = SignedIn {
            application: self.caller().application.id,
            user,
            kind,
            amr: amr.iter().map(|word| (*word).to_owned()).collect(),
            acr,
            device: None,
            network: None,
            life: Duration::from_secs(30 * 86_400),
            on_hold_until: None,
        };
        let session = Session::begin(by, self.engine.now(), self.house.chance.as_ref());
        let id = session.id;
        self.act(user, move |file| {
            file.sessions.push(session.clone());
            json!(null)
        });
        self.engine.manager(self.caller(), user, id)
    }

    /// The person by a session of two ways.
    pub(super) fn sure(&self, user: UserId) -> Manager {
        self.person(user, &["pwd", "otp", "sms"], Acr::Aal2)
    }

    pub(super) fn session(&self, manager: &Manager) -> Session {
        let (user, id) = manager.session().unwrap();
        self.sessions(user).into_iter().find(|session| session.id == id).unwrap()
    }

    pub(super) fn ended(&self, manager: &Manager) -> Option<EndReason> {
        self.session(manager).ended.map(|ended: Ended| ended.why)
    }

    pub(super) fn end(&self, user: UserId, session: SessionId) {
        block_on(self.engine.end_sessions(&self.application(), user, Some(session))).unwrap();
    }

    fn sessions(&self, user: UserId) -> Vec<Session> {
        let id = self.caller().application.id;
        block_on(self.house.store.sessions(id, user, self.engine.now())).unwrap()
    }

    /// Gives the person a trusted device.
    pub(super) fn device(&self, user: UserId, has_key: bool) -> DeviceId {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let new = NewDevice {
            name: DeviceName::parse("phone").unwrap(),
            external_id: None,
            public_key: has_key.then(|| DeviceKey::parse(&key).unwrap()),
            network: None,
        };
        let device = Device::remember(new, TRUST, self.engine.now(), self.house.chance.as_ref());
        let id = device.id;
        self.act(user, move |file| {
            file.user.as_mut().unwrap().profile.ways.devices.push(device.clone());
            json!(null)
        });
        id
    }

    /// Enrols an authenticator app for the person. Gives its secret.
    pub(super) fn totp(&self, user: UserId) -> SecretString {
        let manager = self.application();
        let enrolled = block_on(self.engine.enrol_totp(&manager, user)).unwrap();
        let first = code(&self.totp_code(&enrolled.secret));
        block_on(self.engine.confirm_totp(&manager, user, first)).unwrap();
        enrolled.secret
    }

    /// The code that an app shows now.
    pub(super) fn totp_code(&self, secret: &SecretString) -> String {
        let seed = data_encoding::BASE32_NOPAD.decode(secret.expose().as_bytes()).unwrap();
        let step = u64::try_from(self.engine.now().as_millis()).unwrap() / 30_000;
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &seed);
        let mac = ring::hmac::sign(&key, &step.to_be_bytes());
        let at = usize::from(mac.as_ref()[19] & 15);
        let four: [u8; 4] = mac.as_ref()[at..at + 4].try_into().unwrap();
        format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
    }

    /// The audit log's kinds, with the method where there is one.
    pub(super) fn log(&self) -> Vec<String> {
        let records =
            block_on(backstop_domain::ports::store::Audit::audit_page(&*self.house.store, 0, 500)).unwrap();
        let body = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let bodies = records.iter().map(|record| body(&record.body)).filter(|body| body["kind"].is_string());
        bodies
            .map(|body| match body["method"].as_str() {
                Some(method) => format!("{} {method}", body["kind"].as_str().unwrap()),
                None => body["kind"].as_str().unwrap().to_owned(),
            })
            .collect()
    }

    /// Lets `span` pass without the work of an idle engine in it: days would take minutes.
    pub(super) fn pass(&self, span: Duration) {
        self.house.clock.manual.advance(span);
    }

    /// Changes the person behind the engine's back.
    pub(super) fn act(
        &self,
        user: UserId,
        rule: impl FnMut(&mut File) -> Value + Send + Sync + 'static,
    ) -> Once<Value> {
        self.act_on(user, None, rule)
    }

    pub(super) fn act_on(
        &self,
        user: UserId,
        factor: Option<&'static str>,
        rule: impl FnMut(&mut File) -> Value + Send + Sync + 'static,
    ) -> Once<Value> {
        let act = PersonAct {
            application: self.caller().application.id,
            whom: Whom::User(user),
            factor,
            network: None,
            claims: vec![],
            once: None,
            idempotency: None,
            now: self.engine.now(),
            rule: Box::new(rule),
        };
        block_on(self.house.store.person(act)).unwrap()
    }

    pub(super) fn public(&self) -> Caller {
        Caller { authority: Authority::Public, ..self.caller() }
    }
}

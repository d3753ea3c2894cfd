//! The ways in, on a real store: one person who holds some of them, a stranger, and what each hears.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    application::Authority,
    clock::Clock,
    code::SubmittedCode,
    delivery::Lease,
    factor::{
        backup_code::{BackupCodeForm, BackupCodes},
        password::{Password, PasswordHash},
        totp::{Totp, TotpForm},
    },
    id::{UserId, VerificationId},
    notice::{Audience, Endpoint, Line, NoticeKind, event},
    ports::{
        Random,
        store::{Audit, File, Notices as _, People, PersonAct, Whom},
    },
    purpose::Purpose,
    recipient::Recipient,
    secret::SecretString,
    token::session::Session,
    user::{Address, Profile, Role, SecondFactor, User, UserStatus, Ways, context},
};
use backstop_engine::{
    Caller, Engine, IdempotencyKey,
    notify::NoticeSettings,
    sign_in::{Challenge, Knock, OtpCheck, OtpStart, OtpTarget, SignInError, SignedIn, Tokens},
    verify::Selection,
};
use futures::executor::block_on;
use ring::hmac;
use serde_json::{Value, json};

use crate::{
    checkers::call,
    house::{ASHA, House, caller},
};

mod alarm;
mod backup_code;
mod device;
mod passkey;
mod password;
mod pin;
mod reset;
mod second_factor;
mod sign_up;
mod ways;

const MAILBOX: &str = "asha@example.com";
const NOBODY: &str = "+919876543219";
const PASSWORD: &str = "quilt harbour ninety";
const SEED: [u8; 20] = *b"12345678901234567890";
const SEED_BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const SHORT: Duration = Duration::from_millis(10);

/// An engine with Asha, who has a number, a mailbox and a password.
struct Town {
    house: House,
    engine: Arc<Engine>,
    asha: UserId,
}

impl Town {
    fn new() -> Self {
        Self::in_a(House::new(1))
    }

    /// The same, with a webhook of the application that hears everything.
    fn with_webhook() -> Self {
        let mut house = House::new(1);
        let application = Some(house.application("shop").id);
        let endpoints = vec![Endpoint { name: "hook".into(), application, kinds: None }];
        house.notices = NoticeSettings {
            audience: Audience { endpoints, ..Audience::default() },
            ..NoticeSettings::default()
        };
        Self::in_a(house)
    }

    /// What that webhook is owed of one kind.
    fn owed(&self, kind: NoticeKind) -> Vec<Value> {
        let (now, line) = (self.house.clock.now(), Line::Webhook("hook".into()));
        let lease = Lease { holder: self.engine.node(), until: now };
        let due = block_on(self.house.store.due_notices(line, lease, now, 100)).unwrap();
        let of_kind = due.iter().filter(|due| due.notice.kind == kind);
        of_kind.map(|due| serde_json::from_slice(&event::body(&due.notice, "shop")).unwrap()).collect()
    }

    fn in_a(house: House) -> Self {
        let engine = house.process("shop");
        let asha = UserId::new(house.clock.now(), house.chance.as_ref() as &dyn Random);
        let town = Self { house, engine, asha };
        let (ring, now) = (town.house.ring(), town.house.clock.now());
        let application = town.house.application("shop").id;
        let seal = |text| {
            let owner = (application, asha);
            Address::seal(&ring, owner, &address(text), (now, true), town.house.chance.as_ref())
        };
        let password = Password::submitted(PASSWORD).unwrap();
        let user = User {
            id: asha,
            application,
            created_at: now,
            updated_at: now,
            status: UserStatus::Active,
            role: Role::default(),
            second_factor: SecondFactor::Optional,
            profile: Profile {
                addresses: vec![seal(ASHA), seal(MAILBOX)],
                ways: Ways {
                    password: Some(PasswordHash::hash(&password, town.house.chance.as_ref())),
                    ..Ways::default()
                },
                ..Profile::default()
            },
        };
        town.write(move |file| file.user = Some(user.clone()), &[ASHA, MAILBOX]);
        town
    }

    fn write(&self, rule: impl Fn(&mut File) + Send + Sync + 'static, claims: &[&str]) {
        let ring = self.house.ring();
        let claim = |text: &&str| {
            backstop_domain::ports::store::Lookup::Address(backstop_domain::user::address_hash(
                &ring,
                &address(text),
            ))
        };
        self.act(rule, claims.iter().map(claim).collect());
    }

    fn act(
        &self,
        rule: impl Fn(&mut File) + Send + Sync + 'static,
        claims: Vec<backstop_domain::ports::store::Lookup>,
    ) {
        let act = PersonAct {
            application: self.house.application("shop").id,
            whom: Whom::User(self.asha),
            factor: None,
            network: None,
            claims,
            once: None,
            idempotency: None,
            now: self.house.clock.now(),
            rule: Box::new(move |file| {
                rule(file);
                Value::Null
            }),
        };
        block_on(self.house.store.person(act)).unwrap();
    }

    /// Changes what Asha holds.
    fn change(&self, change: impl Fn(&mut User) + Send + Sync + 'static) {
        self.write(move |file| change(file.user.as_mut().unwrap()), &[]);
    }

    fn user(&self) -> User {
        let application = self.house.application("shop").id;
        block_on(self.house.store.find(application, Whom::User(self.asha))).unwrap().unwrap()
    }

    fn sessions(&self) -> Vec<Session> {
        let application = self.house.application("shop").id;
        block_on(self.house.store.sessions(application, self.asha, self.house.clock.now())).unwrap()
    }

    fn live(&self) -> usize {
        self.sessions().iter().filter(|session| session.ended.is_none()).count()
    }

    /// How often the audit log tells of this.
    fn told(&self, kind: &str) -> usize {
        let records = block_on(self.house.store.audit_page(0, 1_000_000)).unwrap();
        records.iter().filter(|record| record.body.contains(&format!("\"{kind}\""))).count()
    }

    /// Enrols an authenticator app.
    fn enrol_totp(&self) {
        let (application, asha) = (self.house.application("shop").id, self.asha);
        let place = context(application, asha, "totp");
        let (ring, chance, now) = (self.house.ring(), self.house.chance.clone(), self.house.clock.now());
        let form = TotpForm::default();
        let totp = Totp::import(&place, &ring, chance.as_ref(), now, SEED_BASE32, form).unwrap();
        self.change(move |user| user.profile.ways.totp = Some(totp.clone()));
    }

    /// Gives Asha a set of backup codes.
    fn backup_codes(&self) -> Vec<SecretString> {
        let place = context(self.house.application("shop").id, self.asha, "backup_codes");
        let (ring, chance, now) = (self.house.ring(), self.house.chance.clone(), self.house.clock.now());
        let form = BackupCodeForm::default();
        let (shown, set) = BackupCodes::generate(&place, &ring, chance.as_ref(), now, form);
        self.change(move |user| user.profile.ways.backup_codes = Some(set.clone()));
        shown
    }

    /// What the authenticator app shows now.
    fn totp(&self) -> SecretString {
        let step = self.house.clock.now().as_millis() / 30_000;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &SEED);
        let mac = hmac::sign(&key, &step.to_be_bytes());
        let mac = mac.as_ref();
        let at = usize::from(mac[19] & 15);
        let number = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        secret(&format!("{:06}", number % 1_000_000))
    }

    /// A stranger's browser on the shop's page.
    fn stranger(&self) -> Caller {
        let mut application = self.engine.applications().next().unwrap().as_ref().clone();
        application.origins = vec!["https://shop.example".into()];
        application.public_purposes = vec![Purpose::login(), "registration".parse().unwrap()];
        Caller {
            application: Arc::new(application),
            authority: Authority::Public,
            network: Some([203, 0, 113, 7].into()),
            ..caller(&self.engine)
        }
    }

    fn ask<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &mut self,
        act: impl FnOnce(Arc<Engine>, Caller) -> F,
    ) -> T {
        let stranger = self.stranger();
        self.ask_as(stranger, act)
    }

    fn ask_as<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &mut self,
        caller: Caller,
        act: impl FnOnce(Arc<Engine>, Caller) -> F,
    ) -> T {
        let future = act(self.engine.clone(), caller);
        call(&mut self.house, SHORT, future).unwrap()
    }

    /// Signs in with what the authenticator app shows now.
    fn by_app(&mut self, knock: Knock) -> Result<SignedIn, SignInError> {
        let code = SubmittedCode::parse(self.totp().expose()).unwrap();
        self.ask(|engine, caller| async move { engine.sign_in_totp(&caller, &knock, code, None).await })
    }

    /// Lets time pass; days at one stroke.
    fn pass(&mut self, seconds: u64) {
        let span = Duration::from_secs(seconds);
        if span > Duration::from_secs(600) {
            self.house.clock.manual.set(self.house.clock.now() + span);
        } else {
            self.house.pass(span);
        }
    }

    fn password(&mut self, to: &str, password: &str) -> Result<SignedIn, SignInError> {
        let (to, password) = (address(to), secret(password));
        self.ask(|engine, caller| async move { engine.sign_in_password(&caller, to, password, None).await })
    }

    /// Signs in with the right password.
    fn knows_password(&mut self, knock: Knock) -> Result<SignedIn, SignInError> {
        let password = secret(PASSWORD);
        self.ask(
            |engine, caller| async move { engine.sign_in_password(&caller, knock, password, None).await },
        )
    }

    /// Sends a code, and signs in with it.
    fn by_code(&mut self, mfa_token: Option<SecretString>) -> Result<SignedIn, SignInError> {
        let id = self.send(ASHA, Purpose::login());
        let (target, code) = (OtpTarget::Id(id), self.code(id));
        let check = OtpCheck { target, code, mfa_token, remember: None };
        self.ask(|engine, caller| async move { engine.sign_in_otp_verify(&caller, check, None).await })
    }

    /// Has a code sent to sign in with, or for another purpose.
    fn send(&mut self, to: &str, purpose: Purpose) -> VerificationId {
        let start = OtpStart {
            knock: Knock::Address(address(to)),
            selection: Selection::Ladder,
            purpose,
            locale: None,
            session: None,
            wait: false,
        };
        let started =
            self.ask(|engine, caller| async move { engine.sign_in_otp(&caller, start, None).await });
        self.pass(1);
        started.unwrap().verification.id
    }

    /// The code of a verification, as the person reads it.
    fn code(&self, id: VerificationId) -> SubmittedCode {
        let (row, ring) = (self.house.view(id).unwrap().verification, self.house.ring());
        let code = row.code(&ring, &row.open_personal(&ring).unwrap()).unwrap();
        SubmittedCode::parse(code.expose()).unwrap()
    }
}

fn address(text: &str) -> Recipient {
    Recipient::parse(text, None).unwrap()
}

fn secret(text: &str) -> SecretString {
    SecretString::new(text)
}

fn key(name: &str, body: &Value) -> IdempotencyKey {
    let body = body.to_string().into_bytes();
    IdempotencyKey { key: name.into(), route: "POST /v1/sign-in".into(), body }
}

fn tokens(answer: Result<SignedIn, SignInError>) -> Tokens {
    match answer.unwrap() {
        SignedIn::Tokens(tokens) => *tokens,
        SignedIn::SecondFactorRequired(challenge) => panic!("{challenge:?}"),
    }
}

fn challenge(answer: Result<SignedIn, SignInError>) -> Challenge {
    match answer.unwrap() {
        SignedIn::SecondFactorRequired(challenge) => challenge,
        SignedIn::Tokens(tokens) => panic!("{tokens:?}"),
    }
}

/// What somebody hears who does not get in.
fn heard<T: std::fmt::Debug>(answer: Result<T, impl std::fmt::Debug>) -> String {
    format!("{:?}", answer.unwrap_err())
}

fn body(text: &str) -> Value {
    json!({ "body": text })
}

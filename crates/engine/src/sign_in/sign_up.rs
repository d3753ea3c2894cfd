//! Signing up: a person comes to be by a code that they got at an address that nobody has.
//!
//! The code was sent by an ordinary start, which belongs to nobody. Its approval counts once, and the person, the address and their
//! first session are written in one act; of two at once one gets the address. Whoever has shown to hold an address may hear that it
//! belongs to somebody.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    code::SubmittedCode,
    event::{EventKind, EventResult},
    factor::{
        password::{InvalidPassword, Password, PasswordHash},
        trusted_device::NewDevice,
    },
    id::{UserId, VerificationId},
    ports::{
        StoreError,
        store::{File, Lookup, Once, Whom},
    },
    purpose::Purpose,
    recipient::Recipient,
    secret::SecretString,
    user::{Address, Profile, Role, SecondFactor, User, UserStatus, Ways, address_hash},
    verification::REDEEM_WITHIN,
};
use serde::{Deserialize, Serialize};

use super::{
    OtpTarget, Outcome, SignInError, SignedIn, Tokens, let_in,
    otp::{proof_hash, sent_over},
};
use crate::{
    Caller, Engine, IdempotencyKey,
    idempotency::Held,
    people::{Act, Scene},
};

/// Somebody new.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// What the code is held against.
    pub target: OtpTarget,
    /// The code.
    pub code: SubmittedCode,
    /// What it may have been sent for.
    pub purposes: Vec<Purpose>,
    /// An e-mail address beside it, which nobody has shown to hold.
    pub email: Option<Recipient>,
    /// A password.
    pub password: Option<SecretString>,
    /// The device to remember.
    pub remember: Option<NewDevice>,
}

/// Why nobody came to be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SignUpError {
    /// The address belongs to somebody, who can sign in.
    #[error("the address belongs to a user")]
    AddressTaken,
    /// The text cannot become a password.
    #[error(transparent)]
    Password(InvalidPassword),
    /// Anything that a sign-in can hear.
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

impl From<StoreError> for SignUpError {
    fn from(error: StoreError) -> Self {
        Self::SignIn(error.into())
    }
}

/// What the act answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Went {
    Taken,
    On(Outcome),
}

/// What a code showed: that somebody holds this address.
struct Shown {
    to: Recipient,
    channel: Option<Channel>,
    verification: VerificationId,
}

/// Who comes to be.
struct Newcomer {
    id: UserId,
    shown: Shown,
    email: Option<Recipient>,
    password: Option<PasswordHash>,
    remember: Option<NewDevice>,
}

impl Engine {
    /// Makes a person of whoever holds the address of a code, and lets them in.
    ///
    /// # Errors
    /// Says why nobody came to be.
    pub async fn sign_up(
        self: &Arc<Self>,
        caller: &Caller,
        request: SignUp,
        key: Option<&IdempotencyKey>,
    ) -> Result<Tokens, SignUpError> {
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        if request.email.as_ref().is_some_and(|email| !matches!(email, Recipient::Email(_))) {
            let problem = "must be an e-mail address";
            return Err(SignInError::OutOfBounds { field: "email", problem }.into());
        }
        let given = match &request.target {
            OtpTarget::Address(to) => Some(to.clone()),
            OtpTarget::Id(_) => None,
        };
        // What can be refused is, before the code is used up.
        chosen(&scene, &request, given.as_ref())?;
        let shown = self.holder(caller, &request, scene.now, held.as_ref()).await?;
        let password = chosen(&scene, &request, Some(&shown.to))?;
        let random = self.random.clone();
        let hash = move |password| PasswordHash::hash(&password, random.as_ref());
        let password = match password {
            Some(password) => Some(self.compute(move || hash(password)).await?),
            None => None,
        };
        let id = UserId::new(scene.now, self.random.as_ref());
        let claim = Lookup::Address(address_hash(&scene.ring, &shown.to));
        let act = Act {
            claims: vec![claim],
            once: Some((proof_hash(&scene.ring, shown.verification), scene.now + 2 * REDEEM_WITHIN)),
            idempotency: Held::of(held.as_ref()),
            ..Act::on(Whom::User(id))
        };
        let newcomer = Newcomer { id, shown, email: request.email, password, remember: request.remember };
        let went = self.person(&scene, act, move |scene, file| join(scene, file, &newcomer));
        let outcome = match went.await? {
            Once::OtherBody => Once::OtherBody,
            Once::Done(Went::Taken) | Once::Before(Went::Taken) => return Err(SignUpError::AddressTaken),
            Once::Done(Went::On(outcome)) | Once::Before(Went::On(outcome)) => Once::Done(outcome),
        };
        match self.answer(&scene, outcome)? {
            SignedIn::Tokens(tokens) => Ok(*tokens),
            SignedIn::SecondFactorRequired(_) => Err(SignInError::Refused.into()),
        }
    }

    /// Checks the code. It must be of a verification that belongs to nobody.
    async fn holder(
        self: &Arc<Self>,
        caller: &Caller,
        request: &SignUp,
        now: Timestamp,
        held: Option<&Held<'_>>,
    ) -> Result<Shown, SignInError> {
        let only = match request.purposes.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        let code = (request.target.clone(), request.code.clone());
        let (view, guess) = self.right(caller, code, only, held).await?;
        let row = &view.verification;
        let fits = request.purposes.contains(&row.purpose);
        let fresh = row.approved_at.is_some_and(|at| now.since(at) <= REDEEM_WITHIN);
        if !fits || !fresh || row.subject.is_some() {
            return Err(SignInError::Refused);
        }
        // A code that also went to another address does not show who holds this one.
        let (to, channel) = self.holds(&view)?.ok_or(SignInError::Refused)?;
        self.forgive(caller, guess).await?;
        Ok(Shown { to, channel: Some(channel), verification: row.id })
    }
}

/// The password, if there is one and it can be one.
fn chosen(scene: &Scene, request: &SignUp, to: Option<&Recipient>) -> Result<Option<Password>, SignUpError> {
    let Some(text) = &request.password else { return Ok(None) };
    let addresses = to.into_iter().chain(&request.email).map(Recipient::expose);
    let about: Vec<&str> = addresses.chain([scene.application.name.as_str()]).collect();
    Password::choose(text.expose(), &about).map(Some).map_err(SignUpError::Password)
}

fn join(scene: &Scene, file: &mut File, newcomer: &Newcomer) -> Went {
    if !file.owners.is_empty() {
        return Went::Taken;
    }
    if file.used_before || file.user.is_some() {
        return Went::On(Outcome::Refused);
    }
    file.use_up = true;
    file.user = Some(made(scene, newcomer));
    scene.record(file, EventKind::UserCreated, EventResult::Done, Some("sign_up"));
    let proven = sent_over(newcomer.shown.channel);
    Went::On(let_in(scene, file, None, proven, newcomer.remember.as_ref()))
}

fn made(scene: &Scene, newcomer: &Newcomer) -> User {
    let (application, now) = (scene.application.id, scene.now);
    let seal = |address: &Recipient, confirmed| {
        let owner = (application, newcomer.id);
        Address::seal(&scene.ring, owner, address, (now, confirmed), scene.random.as_ref())
    };
    let to = &newcomer.shown.to;
    let email = newcomer.email.as_ref().filter(|email| email.identity() != to.identity());
    let mut addresses = vec![seal(to, true)];
    addresses.extend(email.map(|email| seal(email, false)));
    User {
        id: newcomer.id,
        application,
        created_at: now,
        updated_at: now,
        status: UserStatus::Active,
        role: Role::default(),
        second_factor: SecondFactor::default(),
        profile: Profile {
            addresses,
            ways: Ways { password: newcomer.password.clone(), ..Ways::default() },
            ..Profile::default()
        },
    }
}

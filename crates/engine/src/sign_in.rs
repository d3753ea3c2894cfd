//! Signing in: each way in a file of its own, and here what they share.
//!
//! A way is proven inside the act that locks the person. [`let_in`] then decides, in the same act, what that is worth: a
//! session; a second way that is asked for; or, for a session that is there, a fresh proof. Whoever cannot get in hears
//! one answer, known or not. Tokens are made after the commit, from what was written.

mod backup_code;
mod device;
mod guess;
mod issue;
mod otp;
mod passkey;
mod password;
mod pin;
mod reset;
pub(crate) mod second_factor;
mod sign_up;
mod tokens;
mod totp;
mod ways;

use backstop_domain::{
    clock::Timestamp,
    event::{Actor, EventKind, EventResult},
    factor::{
        Factor,
        tries::Locked,
        trusted_device::{self, Device, NewDevice},
    },
    id::{DeviceId, SessionId},
    limit::LimitExceeded,
    notice::{Detail, NoticeKind},
    ports::{
        StoreError,
        store::{File, Whom},
    },
    recipient::Recipient,
    secret::SecretString,
    token::{
        Acr,
        mfa::{MfaPurpose, MfaToken},
        session::{EndReason, Session, SessionKind, SignedIn as NewSession},
    },
    user::{SecondFactor, User, UserStatus},
};
use serde::{Deserialize, Serialize};

use crate::{
    Caller, Engine,
    people::Scene,
    verify::{CheckError, StartError},
};

pub use device::{DeviceChallengeReport, DeviceProof, DeviceSignIn};
pub(crate) use guess::{Charged, charge, charge_network, give_back};
pub use issue::Tokens;
pub use otp::{OtpCheck, OtpStart, OtpTarget};
pub use passkey::PasskeySignIn;
pub use reset::{PasswordReset, ResetBy, ResetError};
pub use sign_up::{SignUp, SignUpError};
pub(crate) use tokens::end;
pub use tokens::{Introspection, SessionReport};
pub use ways::{WayReport, WaysQuery};

/// The most sessions of one person; the oldest ends for a new one.
const MAX_SESSIONS: usize = 50;

/// Who knocks.
#[derive(Debug, Clone)]
pub enum Knock {
    /// Somebody who says this is their address.
    Address(Recipient),
    /// Somebody who was let in by a first way, or wants to prove themselves again, with the token of that.
    Mfa(SecretString),
}

impl From<Recipient> for Knock {
    fn from(address: Recipient) -> Self {
        Self::Address(address)
    }
}

/// What a way in led to.
#[derive(Debug)]
pub enum SignedIn {
    /// The person is in.
    Tokens(Box<Tokens>),
    /// It was one way, and the person needs two.
    SecondFactorRequired(Challenge),
}

/// A second way that is asked for.
#[derive(Debug)]
pub struct Challenge {
    /// To come with the second way.
    pub mfa_token: SecretString,
    /// Until when.
    pub expires_at: Timestamp,
    /// The ways that this person holds.
    pub ways: Vec<Factor>,
}

/// Why nobody got in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SignInError {
    /// Wrong, unknown, suspended, used up, expired: one answer for all.
    #[error("nobody is let in with this")]
    Refused,
    /// Too many tries, for known and unknown people alike.
    #[error("too many tries")]
    Locked {
        /// From when on the next one is taken; `None`: not until the factor is bound again.
        until: Option<Timestamp>,
    },
    /// The token of the first way is not one, or over.
    #[error("the mfa_token is not valid any more")]
    MfaToken,
    /// This way does not count beside the ones before it.
    #[error("this way does not count beside the first")]
    SameWay,
    /// A part of the request cannot be read.
    #[error("{field}: {problem}")]
    OutOfBounds {
        /// Which.
        field: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A limit said no.
    #[error("limit {} is used up", .0.limit)]
    Limited(LimitExceeded),
    /// The `Idempotency-Key` came with another body before.
    #[error("the Idempotency-Key was used for another request")]
    OtherBody,
    /// A call with this `Idempotency-Key` has not answered yet.
    #[error("a call with this Idempotency-Key is in progress")]
    InProgress,
    /// The code could not be sent.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The code could not be checked.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A way in that was just proven.
#[derive(Debug, Clone)]
pub(crate) struct Proven {
    pub(crate) factor: Factor,
    /// How, in the manner of RFC 8176.
    pub(crate) amr: Vec<String>,
    pub(crate) worth: Worth,
    /// The device that was used.
    pub(crate) device: Option<DeviceId>,
    /// Until when this way alone changes nothing.
    pub(crate) on_hold_until: Option<Timestamp>,
}

/// What a proven way is where two are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    /// None of them: the token of a device, out of a browser's storage. It lets in whoever needs one way.
    None,
    /// One.
    One,
    /// Both: a passkey that verified its user, a PIN with the device's key.
    Both,
}

impl Proven {
    /// A factor that needs no more words.
    pub(crate) fn by(factor: Factor) -> Self {
        let amr = factor.amr().iter().map(|word| (*word).to_owned()).collect();
        Self { factor, amr, worth: Worth::One, device: None, on_hold_until: None }
    }
}

/// What the act of a sign-in answers. Kept with the `Idempotency-Key`: no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// In.
    In {
        session: Box<Session>,
        /// The device to hand a token out for, with its generation.
        device: Option<(DeviceId, u32)>,
    },
    /// A session is fresh again.
    Renewed { session: Box<Session> },
    /// A second way is asked for.
    Second { mfa: Box<MfaToken>, ways: Vec<Factor> },
    /// Not in.
    Refused,
    /// The way does not count beside the ones before it.
    SameWay,
    /// Too many tries.
    Locked { until: Option<Timestamp> },
}

impl From<Locked> for Outcome {
    fn from(locked: Locked) -> Self {
        match locked {
            Locked::Until(until) => Self::Locked { until: Some(until) },
            Locked::UntilReset => Self::Locked { until: None },
        }
    }
}

/// The person, if they may sign in.
pub(crate) fn active(file: &File) -> Option<&User> {
    file.user.as_ref().filter(|user| user.status == UserStatus::Active)
}

/// Tells the audit log that somebody did not get in.
pub(crate) fn refused(scene: &Scene, file: &mut File, factor: Factor) -> Outcome {
    scene.record(file, EventKind::SignInFailed, EventResult::Refused, Some(factor.as_str()));
    Outcome::Refused
}

/// Decides what a proven way is worth, and writes it. The person is there and active.
pub(crate) fn let_in(
    scene: &Scene,
    file: &mut File,
    first: Option<&MfaToken>,
    proven: Proven,
    remember: Option<&NewDevice>,
) -> Outcome {
    let method = proven.factor.as_str();
    let Some(user) = active(file).cloned() else { return refused(scene, file, proven.factor) };
    if let Some(first) = first {
        if first.user != user.id {
            return refused(scene, file, proven.factor);
        }
        if !second_factor::is_asked(scene, &user, first, proven.factor) {
            return Outcome::SameWay;
        }
        if let Some(session) = first.session {
            return stepped_up(scene, file, session, &proven);
        }
    }
    let before = first.and_then(|first| first.first);
    if before.is_none() && needs_second(&user) && proven.worth != Worth::Both {
        let counts = proven.worth == Worth::One;
        let mfa = MfaToken {
            user: user.id,
            session: None,
            first: counts.then_some(proven.factor),
            amr: if counts { proven.amr } else { Vec::new() },
            purpose: MfaPurpose::SignIn,
            issued_at: scene.now,
            proof: None,
        };
        scene.record(file, EventKind::SecondFactorRequired, EventResult::Done, Some(method));
        let ways = second_factor::asked(scene, &user, &mfa);
        return Outcome::Second { mfa: Box::new(mfa), ways };
    }
    let mut amr = first.map(|first| first.amr.clone()).unwrap_or_default();
    amr.extend(proven.amr.iter().cloned());
    amr.dedup();
    let acr = if before.is_some() || proven.worth == Worth::Both { Acr::Aal2 } else { Acr::Aal1 };
    let remembered = remember.map(|new| remember_device(scene, file, new));
    let device = remembered.map(|(device, _)| device).or(proven.device);
    let session = Session::begin(
        NewSession {
            application: scene.application.id,
            user: user.id,
            kind: SessionKind::Normal,
            amr,
            acr,
            device: device.map(|device| device.to_string()),
            network: scene.masked_network(),
            life: scene.application.sign_in.session_ttl,
            on_hold_until: proven.on_hold_until.filter(|_| before.is_none()),
        },
        scene.now,
        scene.random.as_ref(),
    );
    end_oldest(scene, file);
    file.sessions.push(session.clone());
    scene.record(file, EventKind::SignInSucceeded, EventResult::Done, Some(method));
    Outcome::In { session: Box::new(session), device: remembered }
}

/// Whether this person is asked for a second way.
pub(crate) fn needs_second(user: &User) -> bool {
    match user.second_factor {
        SecondFactor::Off => false,
        SecondFactor::Optional => user.profile.ways.has_second_factor(),
        SecondFactor::Required => true,
    }
}

/// A session of the person proves itself anew.
fn stepped_up(scene: &Scene, file: &mut File, session: SessionId, proven: &Proven) -> Outcome {
    let (now, idle) = (scene.now, scene.application.sign_in.session_idle);
    let Some(user) = &file.user else { return Outcome::Refused };
    let Some(found) = file.sessions.iter_mut().find(|one| one.id == session && one.is_live(now, idle)) else {
        return Outcome::Refused;
    };
    found.auth_time = now;
    found.last_used_at = now;
    found.on_hold_until = proven.on_hold_until;
    second_factor::shown(scene, user, found, proven);
    let session = Box::new(found.clone());
    scene.record(file, EventKind::SignInSucceeded, EventResult::Done, Some(proven.factor.as_str()));
    Outcome::Renewed { session }
}

/// Adds a device to the person's own. Says which, and the generation of its token.
fn remember_device(scene: &Scene, file: &mut File, new: &NewDevice) -> (DeviceId, u32) {
    let life = scene.application.sign_in.device_ttl;
    let new = NewDevice { network: scene.masked_network(), ..new.clone() };
    let device = Device::remember(new, life, scene.now, scene.random.as_ref());
    let handed_out = (device.id, device.generation);
    let name = device.name.as_str().to_owned();
    if let Some(user) = &mut file.user {
        trusted_device::keep(&mut user.profile.ways.devices, device, scene.now);
    }
    scene.record(file, EventKind::DeviceAdded, EventResult::Done, None);
    scene.notify(file, NoticeKind::NewDevice, Detail::default().with_device(&name));
    handed_out
}

/// Makes room for one more session.
fn end_oldest(scene: &Scene, file: &mut File) {
    let (now, idle) = (scene.now, scene.application.sign_in.session_idle);
    let live = file.sessions.iter().filter(|session| session.is_live(now, idle)).count();
    let too_many = (live + 1).saturating_sub(MAX_SESSIONS);
    for session in file.sessions.iter_mut().filter(|session| session.is_live(now, idle)).take(too_many) {
        session.end(EndReason::Expired, now);
    }
}

impl Engine {
    /// The actor of a sign-in: whoever it is has not proven it yet.
    pub(crate) fn sign_in_scene(&self, caller: &Caller) -> Scene {
        self.scene(caller, Actor::Anonymous)
    }

    /// Whom a knock is about, and the first way if there was one. The same `way` again is refused here, before anything of it is
    /// used up.
    pub(crate) fn whom(
        &self,
        scene: &Scene,
        knock: &Knock,
        way: Option<Factor>,
    ) -> Result<(Whom, Option<MfaToken>), SignInError> {
        match knock {
            Knock::Address(address) => {
                Ok((Whom::Address(backstop_domain::user::address_hash(&scene.ring, address)), None))
            }
            Knock::Mfa(text) => {
                let token = MfaToken::open(&scene.ring, scene.application.id, text.expose(), scene.now)
                    .map_err(|_| SignInError::MfaToken)?;
                if token.purpose == MfaPurpose::PasswordReset {
                    return Err(SignInError::MfaToken);
                }
                if way.is_some() && token.first == way {
                    return Err(SignInError::SameWay);
                }
                Ok((Whom::User(token.user), Some(token)))
            }
        }
    }
}

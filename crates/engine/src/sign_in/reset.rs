//! Setting a new password without the old one, by a code that was sent for just that.
//!
//! A code can be checked once, so what it proved goes on in an `mfa_token`: a person with a second factor hears that one of it is
//! needed too, only after the code was right, and comes back with both. Only the act that sets the password uses the proof up. It ends
//! every session and forgets every device; the other factors stay as they are, and the person hears of it.

use std::sync::Arc;

use backstop_domain::{
    code::SubmittedCode,
    event::{EventKind, EventResult},
    factor::{
        Factor,
        backup_code::SubmittedBackupCode,
        password::{InvalidPassword, Password, PasswordHash},
        tries::Budget,
    },
    notice::{Detail, NoticeKind},
    ports::{
        StoreError,
        store::{File, Once, Whom},
    },
    purpose::Purpose,
    recipient::Recipient,
    secret::SecretString,
    token::{
        mfa::{MfaPurpose, MfaToken},
        session::EndReason,
    },
    user::{User, address_hash},
    verification::REDEEM_WITHIN,
};
use serde::{Deserialize, Serialize};

use super::{
    Challenge, OtpTarget, SignInError, active, backup_code, charge, give_back, needs_second,
    otp::{Proof, proof_hash},
    refused, second_factor, tokens, totp,
};
use crate::{
    Caller, Engine, IdempotencyKey,
    idempotency::Held,
    people::{Act, Scene},
};

/// A new password in the place of one that was forgotten.
#[derive(Debug, Clone)]
pub struct PasswordReset {
    /// What proves the person.
    pub by: ResetBy,
    /// The password.
    pub new_password: SecretString,
    /// A code of an authenticator app, or a backup code.
    pub second: Option<(Factor, SecretString)>,
}

/// What proves whoever forgot a password.
#[derive(Debug, Clone)]
pub enum ResetBy {
    /// A code that was sent to reset it.
    Code {
        /// What it is held against.
        target: OtpTarget,
        /// The code.
        code: SubmittedCode,
    },
    /// The same, from somebody who names two addresses of one person.
    Named {
        /// Where the code went.
        to: Recipient,
        /// The code.
        code: SubmittedCode,
        /// Another address of that person, whether or not it is confirmed.
        other: Recipient,
        /// Whether a code to sign in with will do.
        loose: bool,
    },
    /// The token that an earlier call answered, to whom such a code was shown.
    Token(SecretString),
}

/// Why no password was set.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The code was right, and a second way is needed that is still to come, or was not right.
    #[error("a second way is needed too")]
    SecondFactorRequired(Challenge),
    /// The text cannot become a password.
    #[error(transparent)]
    Password(InvalidPassword),
    /// The code was right, and the text cannot become this person's password: another one may come with the token.
    #[error("{0}")]
    PersonalPassword(InvalidPassword, Challenge),
    /// Anything that a sign-in can hear.
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

impl From<StoreError> for ResetError {
    fn from(error: StoreError) -> Self {
        Self::SignIn(error.into())
    }
}

/// A second way, in form.
#[derive(Debug, Clone)]
enum Second {
    Totp(SubmittedCode),
    BackupCode(SubmittedBackupCode),
}

/// What the act answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Went {
    Done,
    Second(Vec<Factor>),
    Not(super::Outcome),
}

impl Second {
    fn read((factor, text): &(Factor, SecretString)) -> Result<Self, SignInError> {
        let out = |problem| SignInError::OutOfBounds { field: "second", problem };
        match factor {
            Factor::Totp => {
                SubmittedCode::parse(text.expose()).map(Self::Totp).map_err(|_| out("must be a code"))
            }
            Factor::BackupCode => SubmittedBackupCode::parse(text.expose())
                .map(Self::BackupCode)
                .map_err(|_| out("must be a backup code")),
            _ => Err(out("must be of totp or backup_code")),
        }
    }

    fn factor(&self) -> Factor {
        match self {
            Self::Totp(_) => Factor::Totp,
            Self::BackupCode(_) => Factor::BackupCode,
        }
    }

    fn budget(&self) -> &'static Budget {
        match self {
            Self::Totp(_) => &Budget::TOTP,
            Self::BackupCode(_) => &Budget::BACKUP_CODE,
        }
    }

    /// Whether it is right; it is used up then.
    fn is_right(&self, scene: &Scene, file: &mut File) -> bool {
        match self {
            Self::Totp(code) => totp::is_right(scene, file, code),
            Self::BackupCode(code) => {
                let left = backup_code::take(scene, file, code);
                if let Some(left) = left {
                    backup_code::used(scene, file, left);
                }
                left.is_some()
            }
        }
    }
}

impl Engine {
    /// Sets a new password.
    ///
    /// # Errors
    /// Says why none was set, or what is needed beside the code.
    pub async fn reset_password(
        self: &Arc<Self>,
        caller: &Caller,
        request: PasswordReset,
        key: Option<&IdempotencyKey>,
    ) -> Result<(), ResetError> {
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let name = scene.application.name.as_str();
        let second = request.second.as_ref().map(Second::read).transpose()?;
        // What nobody may have is refused before the code is used up.
        Password::choose(request.new_password.expose(), &[name]).map_err(ResetError::Password)?;
        let mfa = self.recovering(caller, &scene, request.by, held.as_ref()).await?;
        let whom = Whom::User(mfa.user);
        let user =
            self.noting(self.store.find(scene.application.id, whom).await)?.ok_or(SignInError::Refused)?;
        let known = known(&scene, &user);
        let about: Vec<&str> = known.iter().map(String::as_str).chain([name]).collect();
        let password = Password::choose(request.new_password.expose(), &about)
            .map_err(|why| ResetError::PersonalPassword(why, asked(&scene, &mfa, ways(&scene, &user))))?;
        let random = self.random.clone();
        let hash = self.compute(move || PasswordHash::hash(&password, random.as_ref())).await?;
        let network = self.network_hash(caller.network);
        let proof = mfa.proof.ok_or(SignInError::MfaToken)?;
        let act = Act {
            factor: second.as_ref().map(Second::factor),
            network,
            once: Some((proof_hash(&scene.ring, proof), scene.now + 2 * REDEEM_WITHIN)),
            idempotency: Held::of(held.as_ref()),
            ..Act::on(whom)
        };
        let went = self.person(&scene, act, move |scene, file| {
            reset(scene, file, &hash, second.as_ref(), network.is_some())
        });
        match went.await? {
            Once::OtherBody => Err(SignInError::OtherBody.into()),
            Once::Done(Went::Done) | Once::Before(Went::Done) => {
                // Bound anew, so whatever was tried of the old one is over.
                let act = Act { factor: Some(Factor::Password), ..Act::on(whom) };
                self.person(&scene, act, |_, file| file.tries.reset()).await?;
                Ok(())
            }
            Once::Done(Went::Second(ways)) | Once::Before(Went::Second(ways)) => {
                Err(ResetError::SecondFactorRequired(asked(&scene, &mfa, ways)))
            }
            Once::Done(Went::Not(outcome)) | Once::Before(Went::Not(outcome)) => {
                let answer = self.answer(&scene, Once::Done(outcome));
                Err(answer.err().unwrap_or(SignInError::Refused).into())
            }
        }
    }

    /// Who proved to hold an address of somebody, now or a moment ago.
    async fn recovering(
        self: &Arc<Self>,
        caller: &Caller,
        scene: &Scene,
        by: ResetBy,
        held: Option<&Held<'_>>,
    ) -> Result<MfaToken, SignInError> {
        match by {
            ResetBy::Code { target, code } => {
                let purpose = (Purpose::password_reset(), false);
                Ok(shown(scene, &self.prove(caller, (target, code), purpose, held).await?))
            }
            ResetBy::Named { to, code, other, loose } => {
                let purpose = (Purpose::password_reset(), loose);
                let code = (OtpTarget::Address(to.clone()), code);
                let proof = self.prove(caller, code, purpose, held).await?;
                let found = self.store.find(scene.application.id, Whom::User(proof.user)).await;
                let user = self.noting(found)?.ok_or(SignInError::Refused)?;
                let (to, named) = (address_hash(&scene.ring, &to), address_hash(&scene.ring, &other));
                let recovers = user.address(to).is_some_and(|address| user.recovers_by(address, scene.now));
                let is_named = user.address(named).is_some();
                if !is_named || !recovers || proof.on_hold_until(&user, scene.now).is_some() {
                    return Err(SignInError::Refused);
                }
                Ok(shown(scene, &proof))
            }
            ResetBy::Token(text) => {
                MfaToken::open(&scene.ring, scene.application.id, text.expose(), scene.now)
                    .ok()
                    .filter(|token| token.purpose == MfaPurpose::PasswordReset)
                    .ok_or(SignInError::MfaToken)
            }
        }
    }
}

/// What a code showed, to go on with.
fn shown(scene: &Scene, proof: &Proof) -> MfaToken {
    MfaToken {
        user: proof.user,
        session: None,
        first: Some(Factor::Otp),
        amr: proof.proven().amr,
        purpose: MfaPurpose::PasswordReset,
        issued_at: scene.now,
        proof: Some(proof.verification),
    }
}

/// What others know about a person.
fn known(scene: &Scene, user: &User) -> Vec<String> {
    let addresses = user.profile.addresses.iter();
    let opened = addresses.filter_map(|address| user.open(&scene.ring, address).ok());
    opened.map(|address| address.expose().to_owned()).collect()
}

fn asked(scene: &Scene, mfa: &MfaToken, ways: Vec<Factor>) -> Challenge {
    Challenge {
        mfa_token: mfa.seal(&scene.ring, scene.application.id, scene.random.as_ref()),
        expires_at: mfa.expires_at(),
        ways,
    }
}

/// What of a person's ways can stand beside the code.
fn ways(scene: &Scene, user: &User) -> Vec<Factor> {
    let mut ways = second_factor::held(scene, user);
    ways.retain(|way| matches!(way, Factor::Totp | Factor::BackupCode));
    ways
}

fn reset(scene: &Scene, file: &mut File, hash: &PasswordHash, second: Option<&Second>, from: bool) -> Went {
    let used_before = file.used_before;
    let Some(user) = active(file).filter(|_| !used_before) else {
        return Went::Not(refused(scene, file, Factor::Otp));
    };
    if needs_second(user) || user.profile.ways.has_second_factor() {
        let ways = ways(scene, user);
        let Some(second) = second else { return Went::Second(ways) };
        let charged = match charge(scene, file, second.budget(), from) {
            Ok(charged) => charged,
            Err(locked) => return Went::Not(locked.into()),
        };
        if !second.is_right(scene, file) {
            refused(scene, file, second.factor());
            return Went::Second(ways);
        }
        give_back(file, charged);
    }
    file.use_up = true;
    replace(scene, file, hash);
    Went::Done
}

/// Puts the new password in its place, and ends what the old one may have let in.
fn replace(scene: &Scene, file: &mut File, hash: &PasswordHash) {
    let Some(user) = &mut file.user else { return };
    user.profile.ways.password = Some(hash.clone());
    let devices = std::mem::take(&mut user.profile.ways.devices);
    scene.record(file, EventKind::PasswordReset, EventResult::Done, None);
    for _ in devices {
        scene.record(file, EventKind::DeviceRevoked, EventResult::Done, None);
    }
    tokens::end(scene, file, |_| true, EndReason::FactorChanged);
    scene.notify(file, NoticeKind::AccountRecovered, Detail::default());
    scene.notify(file, NoticeKind::PasswordChanged, Detail::default());
}

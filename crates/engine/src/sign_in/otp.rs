//! Signing in with a code that was sent.
//!
//! Sending: a verification that belongs to the person, or a decoy that belongs to nobody; the answer is the same. Checking is
//! two acts: the code is charged, compared and approved like any other; then the approval, which counts once, is what the
//! person is let in by. A crash between them loses nothing: the same `Idempotency-Key` finds the approval and goes on.

use std::{collections::BTreeMap, sync::Arc};

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    code::SubmittedCode,
    factor::{Factor, tries::Charge, trusted_device::NewDevice},
    id::VerificationId,
    keyring::{Keyring, LookupHash},
    ports::{
        StoreError,
        store::{Once, VerificationView, Whom},
    },
    purpose::Purpose,
    recipient::Recipient,
    secret::SecretString,
    token::mfa::MfaToken,
    user::{Address, User, UserStatus, address_hash},
    verification::{REDEEM_WITHIN, Status, Subject},
};

use super::{Knock, Outcome, Proven, SignInError, SignedIn, active, let_in, refused, second_factor};
use crate::{
    Caller, Engine, IdempotencyKey,
    idempotency::Held,
    people::{Act, Scene},
    verify::{CheckError, CheckRequest, Selection, SignInStart, Started},
};

/// A code that is to be sent.
#[derive(Debug, Clone)]
pub struct OtpStart {
    /// To whom.
    pub knock: Knock,
    /// Over which channels.
    pub selection: Selection,
    /// What for; for most it is to sign in.
    pub purpose: Purpose,
    /// The language of the message, as BCP 47.
    pub locale: Option<String>,
    /// One person's browser: an equal start with the same session joins.
    pub session: Option<String>,
    /// Whether to wait until a vendor has taken the message.
    pub wait: bool,
}

/// A code that came.
#[derive(Debug, Clone)]
pub struct OtpCheck {
    /// What it is held against.
    pub target: OtpTarget,
    /// The code.
    pub code: SubmittedCode,
    /// The token of a first way, if this is the second.
    pub mfa_token: Option<SecretString>,
    /// The device to remember.
    pub remember: Option<NewDevice>,
}

/// What a code is held against.
#[derive(Debug, Clone)]
pub enum OtpTarget {
    /// One verification.
    Id(VerificationId),
    /// Whatever is live for an address.
    Address(Recipient),
}

impl Engine {
    /// Sends a code to sign in with; to somebody unknown nothing, with the same answer.
    ///
    /// # Errors
    /// Says why no code can be sent, in words that fit everybody alike.
    pub async fn sign_in_otp(
        self: &Arc<Self>,
        caller: &Caller,
        start: OtpStart,
        key: Option<&IdempotencyKey>,
    ) -> Result<Started, SignInError> {
        let scene = self.sign_in_scene(caller);
        let (to, user) = match &start.knock {
            Knock::Address(address) => (address.clone(), self.whoever_has(caller, address).await?),
            Knock::Mfa(_) => {
                let (whom, first) = self.whom(&scene, &start.knock, Some(Factor::Otp))?;
                let user = self.noting(self.store.find(caller.application.id, whom).await)?;
                let user = user.ok_or(SignInError::Refused)?;
                if !first.is_some_and(|first| second_factor::is_asked(&scene, &user, &first, Factor::Otp)) {
                    return Err(SignInError::SameWay);
                }
                (first_address(&scene, &user, &start.selection).ok_or(SignInError::Refused)?, Some(user))
            }
        };
        let recovers = start.purpose == Purpose::password_reset();
        let serves = |user: &User, address: &Address| !recovers || user.recovers_by(address, scene.now);
        let named = address_hash(&scene.ring, &to);
        let user = user
            .filter(|user| user.status == UserStatus::Active)
            .filter(|user| user.address(named).is_some_and(|address| serves(user, address)));
        let fallback_to = match &user {
            Some(user) => {
                let others = user.confirmed().filter(|address| serves(user, address));
                user.fallbacks(&scene.ring, &to, others).map_err(|error| unopened(user, error))?
            }
            None => BTreeMap::new(),
        };
        let request = SignInStart {
            to,
            subject: user.map_or(Subject::Nobody, |user| Subject::User(user.id)),
            fallback_to,
            selection: start.selection,
            purpose: start.purpose,
            locale: start.locale,
            transaction: None,
            session: start.session,
            wait: start.wait,
        };
        Ok(self.start_sign_in(caller, request, key).await?)
    }

    /// Signs in with a code that was sent.
    ///
    /// # Errors
    /// Says why nobody got in.
    pub async fn sign_in_otp_verify(
        self: &Arc<Self>,
        caller: &Caller,
        check: OtpCheck,
        key: Option<&IdempotencyKey>,
    ) -> Result<SignedIn, SignInError> {
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let first = match &check.mfa_token {
            Some(text) => self.whom(&scene, &Knock::Mfa(text.clone()), Some(Factor::Otp))?.1,
            None => None,
        };
        let code = (check.target, check.code);
        let proof = self.prove(caller, code, (Purpose::login(), false), held.as_ref()).await?;
        let outcome = self.by_proof(&scene, held.as_ref(), proof, first, check.remember).await?;
        self.answer(&scene, outcome)
    }

    /// Lets a person in by an approval, which counts once.
    pub(super) async fn by_proof(
        &self,
        scene: &Scene,
        held: Option<&Held<'_>>,
        proof: Proof,
        first: Option<MfaToken>,
        remember: Option<NewDevice>,
    ) -> Result<Once<Outcome>, SignInError> {
        let act = Act {
            once: Some((proof.hash, scene.now + 2 * REDEEM_WITHIN)),
            idempotency: held.map(|held| held.idempotency),
            ..Act::on(Whom::User(proof.user))
        };
        Ok(self
            .person(scene, act, move |scene, file| {
                if file.used_before || active(file).is_none() {
                    return refused(scene, file, Factor::Otp);
                }
                file.use_up = true;
                let on_hold_until = file.user.as_ref().and_then(|user| proof.on_hold_until(user, scene.now));
                let proven = Proven { on_hold_until, ..proof.proven() };
                let_in(scene, file, first.as_ref(), proven, remember.as_ref())
            })
            .await?)
    }

    /// Checks a code of a sign-in, and says whom it proves. What is `loose` takes a code to sign in with too, and that of an ordinary
    /// start, which shows who holds the address.
    pub(super) async fn prove(
        self: &Arc<Self>,
        caller: &Caller,
        (target, code): (OtpTarget, SubmittedCode),
        (purpose, loose): (Purpose, bool),
        held: Option<&Held<'_>>,
    ) -> Result<Proof, SignInError> {
        let only = (!loose).then_some(&purpose);
        let (view, guess) = self.right(caller, (target, code), only, held).await?;
        let row = &view.verification;
        let fits = row.purpose == purpose || (loose && row.purpose == Purpose::login());
        let user = match row.subject {
            Some(Subject::User(user)) => Some(user),
            None if loose => match self.holds(&view)? {
                Some((address, _)) => self.whoever_has(caller, &address).await?.map(|user| user.id),
                None => None,
            },
            Some(Subject::Nobody) | None => None,
        };
        let user = user.filter(|_| fits).ok_or(SignInError::Refused)?;
        self.forgive(caller, guess).await?;
        let reached = view.attempts.iter().filter(|attempt| attempt.state.may_have_reached());
        Ok(Proof {
            user,
            channel: reached.map(|attempt| attempt.channel).min(),
            to: self.holds(&view)?.map(|(to, _)| address_hash(&self.keyring(), &to)),
            is_recovery: row.purpose == Purpose::password_reset(),
            verification: row.id,
            hash: proof_hash(&self.keyring(), row.id),
        })
    }

    /// Checks a code. Gives what it approved, and the guess that the caller's network was charged, to be forgiven once the code
    /// is seen to prove something.
    pub(super) async fn right(
        self: &Arc<Self>,
        caller: &Caller,
        (target, code): (OtpTarget, SubmittedCode),
        only: Option<&Purpose>,
        held: Option<&Held<'_>>,
    ) -> Result<(VerificationView, Option<Charge>), SignInError> {
        let guess = self.guess(caller, held).await?;
        let request = match target {
            OtpTarget::Id(id) => CheckRequest::Id(id, code),
            OtpTarget::Address(to) => CheckRequest::Recipient(to, only.cloned(), code),
        };
        let report = match self.check_held(caller, request, held).await {
            Ok(report) => report,
            // Whom no code was sent to is a guess as well; what no code looks like, and what was not looked at, is none.
            Err(CheckError::NotFound) => return Err(SignInError::Refused),
            Err(error) => {
                self.forgive(caller, guess).await?;
                return Err(match error {
                    CheckError::WrongForm => SignInError::Refused,
                    CheckError::OtherBody => SignInError::OtherBody,
                    CheckError::Limited(limit) => SignInError::Limited(limit),
                    error => error.into(),
                });
            }
        };
        if !report.answer.valid {
            self.failed(caller, report.verification, held).await?;
            return Err(SignInError::Refused);
        }
        let view = self.noting(self.store.get(caller.application.id, report.verification).await)?;
        let view = view.filter(|view| view.verification.status == Status::Approved);
        Ok((view.ok_or(SignInError::Refused)?, guess))
    }

    /// The address that an approved code of an ordinary start shows somebody to hold, and over what. `None`: it was sent
    /// nowhere, or to another address too.
    pub(super) fn holds(&self, view: &VerificationView) -> Result<Option<(Recipient, Channel)>, StoreError> {
        let row = &view.verification;
        let personal = row
            .open_personal(&self.keyring())
            .map_err(|error| StoreError::Internal(format!("verification {}: {error}", row.id)))?;
        let to = Recipient::restore(personal.to);
        let reached = view.attempts.iter().filter(|attempt| attempt.state.may_have_reached());
        let channels: Vec<Channel> = reached.map(|attempt| attempt.channel).collect();
        let straight = channels.iter().all(|channel| channel.reaches(&to));
        Ok(channels.into_iter().min().filter(|_| straight).map(|weakest| (to, weakest)))
    }
}

/// What an approved verification proves: who, and over what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    pub(super) user: backstop_domain::id::UserId,
    pub(super) channel: Option<Channel>,
    /// The address that it went to, if it went to no other.
    pub(super) to: Option<LookupHash>,
    /// Whether it was sent to recover: then to no address that does not.
    pub(super) is_recovery: bool,
    pub(super) verification: VerificationId,
    pub(super) hash: LookupHash,
}

/// What counts once of an approved verification.
pub(super) fn proof_hash(ring: &Keyring, verification: VerificationId) -> LookupHash {
    ring.lookup("sign-in proof", verification.as_bytes())
}

impl Proof {
    pub(super) fn proven(&self) -> Proven {
        sent_over(self.channel)
    }

    /// Until when it recovers nothing: if it may have gone to an address of the person's that does not yet.
    pub(super) fn on_hold_until(&self, user: &User, now: Timestamp) -> Option<Timestamp> {
        let known = self.to.and_then(|to| user.address(to));
        let recovers = self.is_recovery || known.is_some_and(|address| user.recovers_by(address, now));
        user.on_hold_until(now).filter(|_| !recovers)
    }
}

/// What a code proves that came over this channel.
pub(super) fn sent_over(channel: Option<Channel>) -> Proven {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let amr = channel.map_or_else(|| words(Factor::Otp.amr()), |channel| words(&channel.amr()));
    Proven { amr, ..Proven::by(Factor::Otp) }
}

/// Where a second code goes: the first confirmed address that the wanted channel reaches; a telephone first.
fn first_address(scene: &Scene, user: &User, selection: &Selection) -> Option<Recipient> {
    let wanted = match selection {
        Selection::Only(channel) | Selection::Prefer(channel) => Some(*channel),
        Selection::Ladder | Selection::Exactly(_) => None,
    };
    let mut confirmed: Vec<_> = user.confirmed().collect();
    confirmed.sort_by_key(|address| !address.phone);
    let mut opened = confirmed.into_iter().filter_map(|address| user.open(&scene.ring, address).ok());
    match wanted {
        Some(channel) => opened.find(|recipient| channel.reaches(recipient)),
        None => opened.next(),
    }
}

fn unopened(user: &User, error: impl std::fmt::Display) -> StoreError {
    StoreError::Internal(format!("an address of user {} does not open: {error}", user.id))
}

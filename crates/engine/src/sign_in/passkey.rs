//! Signing in with a passkey.
//!
//! The options name nobody, or the passkeys of whoever knocks; somebody unknown, or without one, gets decoys that stay the same. The
//! assertion is verified before the act, against the passkey as it is stored, and the act sees to it that this is still the passkey
//! and that the challenge counts once. A counter that did not rise is told to the audit log and refuses nothing.

use std::sync::Arc;

use backstop_domain::{
    event::{EventKind, EventResult},
    factor::{
        Factor,
        passkey::{Counter, CredentialId, Passkey},
    },
    keyring::LookupHash,
    ports::{
        StoreError,
        store::{File, Whom},
    },
    recipient::Recipient,
    secret::SecretString,
    token::mfa::MfaToken,
    user::{User, UserStatus},
};
use serde_json::Value;

use super::{Knock, Outcome, Proven, SignInError, SignedIn, Worth, active, charge_network, let_in, refused};
use crate::{
    Caller, Engine, IdempotencyKey,
    factor::passkey::{self, Begun, Descriptor, Once, PasskeyError, RelyingParty, Setting, UserVerification},
    idempotency::Held,
    people::{Act, Scene},
};

const NO_DOMAIN: SignInError = SignInError::OutOfBounds {
    field: "application",
    problem: "has no origin on a domain name, so it cannot use passkeys",
};

/// A passkey's answer.
#[derive(Debug, Clone)]
pub struct PasskeySignIn {
    /// The token of a first way, if this is the second.
    pub mfa_token: Option<SecretString>,
    /// Who knocked, if the options were for somebody.
    pub knock: Option<Recipient>,
    /// What came with the options.
    pub state: String,
    /// What the browser made of them.
    pub response: Value,
}

/// An assertion that was verified.
struct Verified {
    against: Passkey,
    proven: passkey::SignedIn,
}

impl Engine {
    /// What a browser needs to ask for a passkey: of anyone, or of whoever knocks.
    ///
    /// # Errors
    /// If there are no passkeys here, or the `mfa_token` is not good.
    pub async fn passkey_sign_in_options(
        &self,
        caller: &Caller,
        knock: Option<&Knock>,
    ) -> Result<Begun, SignInError> {
        let scene = self.sign_in_scene(caller);
        let party = self.relying_party(&scene.application).ok_or(NO_DOMAIN)?;
        let setting = setting(&scene, &party);
        let Some(knock) = knock else {
            let options =
                passkey::sign_in_options(&setting, &passkey::Whom::Anyone, UserVerification::Required);
            return options.map_err(unreadable);
        };
        let (whom, first) = self.whom(&scene, knock, Some(Factor::Passkey))?;
        let user = self.noting(self.store.find(scene.application.id, whom).await)?;
        let user = user.filter(|user| user.status == UserStatus::Active);
        let own = user.as_ref().map(own_passkeys).unwrap_or_default();
        let (allow, verification) = match knock {
            Knock::Mfa(_) if own.is_empty() => return Err(SignInError::Refused),
            Knock::Mfa(_) if first.is_some_and(|first| first.session.is_none()) => {
                (own, UserVerification::Preferred)
            }
            Knock::Mfa(_) => (own, UserVerification::Required),
            Knock::Address(address) => {
                // Made for everybody, so that it takes as long.
                let decoys = passkey::decoys(&scene.ring, &scene.application.name, &address.identity());
                (if own.is_empty() { decoys } else { own }, UserVerification::Required)
            }
        };
        let person = user.map(|user| user.id.to_string()).unwrap_or_default();
        let one = passkey::Whom::One { person: &person, allow: &allow };
        passkey::sign_in_options(&setting, &one, verification).map_err(unreadable)
    }

    /// Signs in with a passkey.
    ///
    /// # Errors
    /// Says why nobody got in.
    pub async fn sign_in_passkey(
        self: &Arc<Self>,
        caller: &Caller,
        request: PasskeySignIn,
        key: Option<&IdempotencyKey>,
    ) -> Result<SignedIn, SignInError> {
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let party = self.relying_party(&scene.application).ok_or(NO_DOMAIN)?;
        let first = match &request.mfa_token {
            Some(text) => self.whom(&scene, &Knock::Mfa(text.clone()), Some(Factor::Passkey))?.1,
            None => None,
        };
        let address = request.knock.map(|address| backstop_domain::user::address_hash(&scene.ring, &address));
        let Ok(named) = passkey::named(&request.response) else { return Err(SignInError::Refused) };
        let whom = Whom::Passkey(named.id.lookup());
        let user = self.noting(self.store.find(scene.application.id, whom).await)?;
        let verified = match user.and_then(|user| held_by(&user, &named.id)) {
            Some((person, handle, stored)) => {
                let setting = setting(&scene, &party);
                let (state, response) = (&request.state, &request.response);
                let verified = passkey::verify_sign_in(&setting, &person, &handle, &stored, state, response);
                verified
                    .inspect_err(|error| tracing::info!(%error, "a passkey was refused"))
                    .ok()
                    .map(|(proven, once)| (Verified { against: stored, proven }, once))
            }
            None => None,
        };
        let network = self.network_hash(caller.network);
        let act = Act {
            network,
            once: verified.as_ref().map(|(_, Once { hash, until })| (*hash, *until)),
            idempotency: Held::of(held.as_ref()),
            ..Act::on(whom)
        };
        let outcome = self.person(&scene, act, move |scene, file| {
            let verified = verified.as_ref().map(|(verified, _)| verified);
            sign_in(scene, file, verified, (first.as_ref(), address), network.is_some())
        });
        self.answer(&scene, outcome.await?)
    }
}

fn setting<'a>(scene: &'a Scene, relying_party: &'a RelyingParty) -> Setting<'a> {
    Setting {
        application: &scene.application.name,
        relying_party,
        keyring: &scene.ring,
        random: scene.random.as_ref(),
        now: scene.now,
    }
}

fn own_passkeys(user: &User) -> Vec<Descriptor> {
    let held = user.profile.ways.passkeys.iter().flat_map(|passkeys| passkeys.held());
    held.map(Descriptor::from).collect()
}

fn held_by(
    user: &User,
    id: &CredentialId,
) -> Option<(String, backstop_domain::factor::passkey::UserHandle, Passkey)> {
    let passkeys = user.profile.ways.passkeys.as_ref()?;
    Some((user.id.to_string(), *passkeys.handle(), passkeys.find(id)?.clone()))
}

fn sign_in(
    scene: &Scene,
    file: &mut File,
    verified: Option<&Verified>,
    (first, address): (Option<&MfaToken>, Option<LookupHash>),
    from: bool,
) -> Outcome {
    let charged = match charge_network(scene, file, from) {
        Ok(charged) => charged,
        Err(locked) => return locked.into(),
    };
    let used = verified.filter(|_| !file.used_before).and_then(|verified| {
        active(file).filter(|user| {
            address.is_none_or(|hash| user.confirmed().any(|address| address.hash == hash))
                && first.is_none_or(|first| first.user == user.id)
        })?;
        Some((verified, used(scene, file, verified)?))
    });
    let Some((verified, counter)) = used else { return refused(scene, file, Factor::Passkey) };
    file.use_up = true;
    if let Some(charge) = charged {
        file.network.succeeded(charge);
    }
    if counter == Counter::DidNotRise {
        scene.record(file, EventKind::PasskeyCounterRegressed, EventResult::Done, None);
    }
    let worth = if verified.proven.user_verified { Worth::Both } else { Worth::One };
    let proven = Proven { worth, ..Proven::by(Factor::Passkey) };
    let_in(scene, file, first, proven, None)
}

/// Writes down that the passkey was used. `None`: it is not the one any more that was verified.
fn used(scene: &Scene, file: &mut File, verified: &Verified) -> Option<Counter> {
    let passkeys = file.user.as_mut()?.profile.ways.passkeys.as_mut()?;
    let id = &verified.against.id;
    passkeys.find(id).filter(|passkey| passkey.record == verified.against.record)?;
    passkeys.used(id, verified.proven.counter, verified.proven.backed_up, scene.now)
}

fn unreadable(error: PasskeyError) -> SignInError {
    StoreError::Internal(format!("the options of a passkey cannot be made: {error}")).into()
}

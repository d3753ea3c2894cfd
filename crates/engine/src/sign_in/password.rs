//! Signing in with a password.
//!
//! Two acts with the slow hash between them. The first charges the try; the second takes the charge back, if the password was right
//! and is still the one that it was compared with. Somebody unknown takes the same steps, and the same time: a password is hashed
//! for them too. A crash between the acts refunds nothing; the same `Idempotency-Key` is charged once, however often it comes.

use std::sync::Arc;

use backstop_domain::{
    factor::{
        Factor,
        password::{Password, PasswordHash},
        tries::Budget,
    },
    keyring::LookupHash,
    ports::{
        Random,
        store::{File, Once, Whom},
    },
    secret::SecretString,
    token::mfa::MfaToken,
    user::UserStatus,
};

use super::{
    Charged, Knock, Outcome, Proven, SignInError, SignedIn, active, charge, give_back, let_in, refused,
};
use crate::{
    Caller, Engine, IdempotencyKey,
    idempotency::Held,
    people::{Act, Scene},
};

/// What a slow hash said, and of which one.
struct Verdict {
    against: Option<PasswordHash>,
    right: bool,
    /// The same password as we hash it today.
    anew: Option<PasswordHash>,
}

impl Engine {
    /// Signs in with a password.
    ///
    /// # Errors
    /// Says why nobody got in.
    pub async fn sign_in_password(
        self: &Arc<Self>,
        caller: &Caller,
        knock: impl Into<Knock>,
        password: SecretString,
        key: Option<&IdempotencyKey>,
    ) -> Result<SignedIn, SignInError> {
        let knock = knock.into();
        let password = Password::submitted(password.expose()).map_err(|_| SignInError::OutOfBounds {
            field: "password",
            problem: "must be 1 to 128 characters without control characters",
        })?;
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let (whom, first) = self.whom(&scene, &knock, Some(Factor::Password))?;
        let network = self.network_hash(caller.network);
        let charged = match self.charge_password(&scene, held.as_ref(), whom, network).await? {
            Once::OtherBody => return Err(SignInError::OtherBody),
            Once::Done(Ok(charged)) | Once::Before(Ok(charged)) => charged,
            Once::Done(Err(locked)) | Once::Before(Err(locked)) => {
                return self.answer(&scene, Once::Done(locked));
            }
        };
        let found = self.noting(self.store.find(scene.application.id, whom).await)?;
        let against = found.filter(|user| user.status == UserStatus::Active);
        let against = against.and_then(|user| user.profile.ways.password);
        let random = self.random.clone();
        let verdict = self.compute(move || judge(&password, against, random.as_ref())).await?;
        let act = Act {
            factor: Some(Factor::Password),
            network,
            idempotency: Held::of(held.as_ref()),
            ..Act::on(whom)
        };
        let outcome = self
            .person(&scene, act, move |scene, file| conclude(scene, file, &verdict, charged, first.as_ref()));
        self.answer(&scene, outcome.await?)
    }

    async fn charge_password(
        &self,
        scene: &Scene,
        held: Option<&Held<'_>>,
        whom: Whom,
        network: Option<LookupHash>,
    ) -> Result<Once<Result<Charged, Outcome>>, SignInError> {
        let act = Act {
            factor: Some(Factor::Password),
            network,
            idempotency: Held::beside(held, &scene.ring, "a guess"),
            ..Act::on(whom)
        };
        let charged = self.person(scene, act, move |scene, file| {
            charge(scene, file, &Budget::PASSWORD, network.is_some()).map_err(Outcome::from)
        });
        Ok(charged.await?)
    }
}

/// Slow, and as slow for somebody who has no password.
fn judge(password: &Password, against: Option<PasswordHash>, random: &dyn Random) -> Verdict {
    let matches = against.clone().unwrap_or_else(PasswordHash::dummy).verify(password);
    let right = matches && against.is_some();
    let outdated = right && against.as_ref().is_some_and(|hash| hash.is_outdated(password));
    Verdict { against, right, anew: outdated.then(|| PasswordHash::hash(password, random)) }
}

fn conclude(
    scene: &Scene,
    file: &mut File,
    verdict: &Verdict,
    charged: Charged,
    first: Option<&MfaToken>,
) -> Outcome {
    let holds = active(file).and_then(|user| user.profile.ways.password.as_ref());
    if !verdict.right || holds.is_none() || holds != verdict.against.as_ref() {
        return refused(scene, file, Factor::Password);
    }
    give_back(file, charged);
    if let (Some(user), Some(anew)) = (&mut file.user, &verdict.anew) {
        user.profile.ways.password = Some(anew.clone());
    }
    let_in(scene, file, first, Proven::by(Factor::Password), None)
}

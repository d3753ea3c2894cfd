//! Guesses: charged before anything is compared, taken back where they were right, against the person and the network.

use std::sync::Arc;

use backstop_domain::{
    event::{Event, EventKind, EventResult},
    factor::{
        Factor,
        tries::{Budget, Charge, Locked},
    },
    id::VerificationId,
    ports::{
        StoreError,
        store::{File, Once, Whom},
    },
};
use serde::{Deserialize, Serialize};

use super::{Knock, Outcome, Proven, SignInError, SignedIn, let_in, otp::proof_hash, refused};
use crate::{
    Caller, Engine, IdempotencyKey,
    idempotency::Held,
    people::{Act, Scene},
};

/// What an act charged before it compared.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Charged {
    tries: Charge,
    network: Option<Charge>,
}

/// Charges a try of the act's factor and of the caller's network, before anything is compared.
pub(crate) fn charge(scene: &Scene, file: &mut File, budget: &Budget, from: bool) -> Result<Charged, Locked> {
    let network = charge_network(scene, file, from)?;
    let tries = file.tries.charge(budget, scene.now).inspect_err(|_| {
        if let Some(network) = network {
            file.network.succeeded(network);
        }
        scene.record(file, EventKind::SignInLocked, EventResult::Refused, None);
    })?;
    Ok(Charged { tries, network })
}

/// Charges the caller's network alone: where what was shown belongs to nobody whose tries it could count against.
pub(crate) fn charge_network(scene: &Scene, file: &mut File, from: bool) -> Result<Option<Charge>, Locked> {
    if !from {
        return Ok(None);
    }
    let charged = file.network.charge(&Budget::NETWORK, scene.now).inspect_err(|_| {
        scene.record(file, EventKind::GuessesExceeded, EventResult::Refused, Some("network"));
    })?;
    Ok(Some(charged))
}

/// Takes a charge back: the try succeeded.
pub(crate) fn give_back(file: &mut File, charged: Charged) {
    file.tries.succeeded(charged.tries);
    if let Some(network) = charged.network {
        file.network.succeeded(network);
    }
}

impl Engine {
    /// Signs in by something that can be guessed and is judged in the act itself: charged, judged, and if it is right, in.
    pub(super) async fn sign_in_guessed(
        self: &Arc<Self>,
        caller: &Caller,
        knock: &Knock,
        (factor, budget): (Factor, &'static Budget),
        mut is_right: impl FnMut(&Scene, &mut File) -> bool + Send + Sync + 'static,
        key: Option<&IdempotencyKey>,
    ) -> Result<SignedIn, SignInError> {
        let held = self.hold(caller, key).map_err(|_| SignInError::InProgress)?;
        let scene = self.sign_in_scene(caller);
        let (whom, first) = self.whom(&scene, knock, Some(factor))?;
        let network = self.network_hash(caller.network);
        let act = Act {
            factor: Some(factor),
            network,
            idempotency: held.as_ref().map(|held| held.idempotency),
            ..Act::on(whom)
        };
        let outcome = self
            .person(&scene, act, move |scene, file| {
                let charged = match charge(scene, file, budget, network.is_some()) {
                    Ok(charged) => charged,
                    Err(locked) => return locked.into(),
                };
                if !is_right(scene, file) {
                    return refused(scene, file, factor);
                }
                give_back(file, charged);
                let_in(scene, file, first.as_ref(), Proven::by(factor), None)
            })
            .await?;
        self.answer(&scene, outcome)
    }

    /// Charges the caller's network one guess, before a code is compared.
    pub(crate) async fn guess(
        &self,
        caller: &Caller,
        held: Option<&Held<'_>>,
    ) -> Result<Option<Charge>, SignInError> {
        let Some(network) = self.network_hash(caller.network) else { return Ok(None) };
        let scene = self.sign_in_scene(caller);
        // On nobody: only the network is looked at.
        let idempotency = Held::beside(held, &scene.ring, "a guess");
        let act = Act { network: Some(network), idempotency, ..Act::on(Whom::Address(network)) };
        let charged =
            self.person(&scene, act, |scene, file| charge_network(scene, file, true).map_err(Outcome::from));
        match charged.await? {
            Once::Done(Ok(charge)) | Once::Before(Ok(charge)) => Ok(charge),
            Once::Done(Err(Outcome::Locked { until })) | Once::Before(Err(Outcome::Locked { until })) => {
                Err(SignInError::Locked { until })
            }
            Once::OtherBody => Err(SignInError::OtherBody),
            _ => Err(SignInError::Refused),
        }
    }

    /// Has the audit log tell of a code that was not right.
    pub(crate) async fn failed(
        &self,
        caller: &Caller,
        verification: VerificationId,
        held: Option<&Held<'_>>,
    ) -> Result<(), SignInError> {
        let scene = self.sign_in_scene(caller);
        let idempotency = Held::beside(held, &scene.ring, "a failure");
        // On nobody: whose code it was stands with the verification.
        let nobody = Whom::Address(proof_hash(&scene.ring, verification));
        let act = Act { idempotency, ..Act::on(nobody) };
        self.person(&scene, act, move |scene, file| {
            let event = Event::new(scene.now, EventKind::SignInFailed, scene.actor.clone());
            let event = Event {
                result: EventResult::Refused,
                method: Some(Factor::Otp.as_str().to_owned()),
                detail: scene.from(),
                ..event.with_object(verification.to_string())
            };
            scene.record_with(file, event);
        })
        .await?;
        Ok(())
    }

    /// Takes that charge back: the guess was right.
    pub(crate) async fn forgive(&self, caller: &Caller, guess: Option<Charge>) -> Result<(), StoreError> {
        let (Some(network), Some(guess)) = (self.network_hash(caller.network), guess) else { return Ok(()) };
        let scene = self.sign_in_scene(caller);
        let act = Act { network: Some(network), ..Act::on(Whom::Address(network)) };
        self.person(&scene, act, move |_, file| file.network.succeeded(guess)).await?;
        Ok(())
    }
}

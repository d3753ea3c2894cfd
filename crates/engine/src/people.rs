//! Acts on people: a rule, the scene that it runs in, and what it leaves for the audit log and for notices.
//!
//! A rule is pure but for chance: the store runs it under the person's lock, and again if the first time was undone. What it
//! answers is kept with the caller's `Idempotency-Key`, so an answer holds ids and never a secret; tokens are made afterwards,
//! from what was written.

use std::{net::IpAddr, sync::Arc};

use backstop_domain::{
    application::{Application, masked_network},
    audit::NewRecord,
    clock::Timestamp,
    event::{Actor, Event, EventKind, EventResult},
    factor::Factor,
    id::UserId,
    keyring::{Keyring, LookupHash},
    notice::{Audience, Detail, Happening, NoticeKind},
    ports::{
        Random,
        store::{File, Idempotency, Lookup, Once, PersonAct, StoreError, Whom},
    },
    recipient::Recipient,
    secret::SecretString,
    user::User,
};
use futures::channel::oneshot;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Caller, Engine};

/// What a rule needs beside the file, and who it runs for.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) application: Arc<Application>,
    pub(crate) ring: Arc<Keyring>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) audience: Arc<Audience>,
    pub(crate) now: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) address: Option<IpAddr>,
}

/// An act, with what most of them do not need.
pub(crate) struct Act {
    pub(crate) whom: Whom,
    pub(crate) factor: Option<Factor>,
    pub(crate) network: Option<LookupHash>,
    pub(crate) claims: Vec<Lookup>,
    pub(crate) once: Option<(LookupHash, Timestamp)>,
    pub(crate) idempotency: Option<Idempotency>,
}

impl Act {
    /// An act on somebody, and nothing else.
    pub(crate) fn on(whom: Whom) -> Self {
        Self { whom, factor: None, network: None, claims: Vec::new(), once: None, idempotency: None }
    }
}

impl Scene {
    /// The user's place of a sealed value.
    pub(crate) fn context(&self, user: UserId, column: &str) -> Vec<u8> {
        backstop_domain::user::context(self.application.id, user, column)
    }

    /// Where the caller is, as it is kept: the network, not the host.
    pub(crate) fn masked_network(&self) -> Option<String> {
        self.address.map(masked_network)
    }

    /// Where the caller is, as the detail of a record.
    pub(crate) fn from(&self) -> Option<SecretString> {
        self.masked_network().map(|network| SecretString::new(format!("from {network}")))
    }

    /// Has the audit log tell of it.
    pub(crate) fn record(&self, file: &mut File, kind: EventKind, result: EventResult, method: Option<&str>) {
        let subject = file.user.as_ref().map(|user| user.id);
        file.records.push(self.record_of(subject, kind, result, method));
    }

    fn record_of(
        &self,
        subject: Option<UserId>,
        kind: EventKind,
        result: EventResult,
        method: Option<&str>,
    ) -> NewRecord {
        let event = Event {
            application: Some(self.application.id),
            subject,
            result,
            method: method.map(str::to_owned),
            detail: self.from(),
            ..Event::new(self.now, kind, self.actor.clone())
        };
        NewRecord::of(&event, &self.ring, self.random.as_ref())
    }

    /// Has the audit log tell of it, with what is personal about it.
    pub(crate) fn record_with(&self, file: &mut File, event: Event) {
        let event = Event {
            application: Some(self.application.id),
            subject: file.user.as_ref().map(|user| user.id),
            ..event
        };
        file.records.push(NewRecord::of(&event, &self.ring, self.random.as_ref()));
    }

    /// Owes the person, the operators and the webhooks a notice of it.
    pub(crate) fn notify(&self, file: &mut File, kind: NoticeKind, detail: Detail) {
        let Some(user) = &mut file.user else {
            let nobody = Happening {
                application: self.application.id,
                kind,
                user: None,
                emails: &[],
                detail: &self.located(detail),
                at: self.now,
                sequence: 0,
            };
            file.notices.extend(self.audience.notices(&nobody, &self.ring, self.random.as_ref()));
            return;
        };
        user.profile.notices += 1;
        let emails: Vec<_> = user
            .confirmed()
            .filter_map(|address| match user.open(&self.ring, address) {
                Ok(Recipient::Email(email)) => Some(email),
                _ => None,
            })
            .collect();
        let happening = Happening {
            application: self.application.id,
            kind,
            user: Some(user.id),
            emails: &emails,
            detail: &self.located(detail),
            at: self.now,
            sequence: user.profile.notices,
        };
        file.notices.extend(self.audience.notices(&happening, &self.ring, self.random.as_ref()));
    }

    fn located(&self, detail: Detail) -> Detail {
        match self.address {
            Some(address) => detail.with_network(address),
            None => detail,
        }
    }
}

impl Engine {
    /// The scene of an act by this actor for this caller, now.
    pub(crate) fn scene(&self, caller: &Caller, actor: Actor) -> Scene {
        Scene { address: caller.network, ..self.scene_in(&caller.application, actor) }
    }

    /// The scene of an act that nobody called for, now.
    pub(crate) fn scene_in(&self, application: &Arc<Application>, actor: Actor) -> Scene {
        Scene {
            application: application.clone(),
            ring: self.keyring(),
            random: self.random.clone(),
            audience: Arc::new(self.audience().clone()),
            now: self.clock.now(),
            actor,
            address: None,
        }
    }

    /// Runs a rule over a person.
    pub(crate) async fn person<T: Serialize + DeserializeOwned>(
        &self,
        scene: &Scene,
        act: Act,
        mut rule: impl FnMut(&Scene, &mut File) -> T + Send + Sync + 'static,
    ) -> Result<Once<T>, StoreError> {
        let on_stage = scene.clone();
        let answered = self
            .store
            .person(PersonAct {
                application: scene.application.id,
                whom: act.whom,
                factor: act.factor.map(Factor::as_str),
                network: act.network,
                claims: act.claims,
                once: act.once,
                idempotency: act.idempotency,
                now: scene.now,
                rule: Box::new(move |file| {
                    let answer = rule(&on_stage, file);
                    serde_json::to_value(&answer).unwrap_or_default()
                }),
            })
            .await;
        let read = |answer| {
            serde_json::from_value(answer).map_err(|error| {
                StoreError::Internal(format!("the answer of an act cannot be read: {error}"))
            })
        };
        Ok(match self.noting(answered)? {
            Once::OtherBody => Once::OtherBody,
            Once::Done(answer) => {
                self.notices_posted();
                Once::Done(read(answer)?)
            }
            Once::Before(answer) => Once::Before(read(answer)?),
        })
    }

    /// Runs slow work beside everything else.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        self.tasks.compute(Box::new(move || {
            // Whoever went away does not want to know.
            let _ = tell.send(work());
        }));
        told.await.map_err(|_| StoreError::Internal("slow work was dropped".into()))
    }

    /// Whoever has this confirmed address.
    pub(crate) async fn whoever_has(
        &self,
        caller: &Caller,
        address: &Recipient,
    ) -> Result<Option<User>, StoreError> {
        let hash = backstop_domain::user::address_hash(&self.keyring(), address);
        self.noting(self.store.find(caller.application.id, Whom::Address(hash)).await)
    }
}

//! What a try of emergency access comes to: a rule over the person.

use backstop_domain::{
    clock::Timestamp,
    emergency::{
        Emergency, KeyUsed,
        request::{EmergencyRequest, RequestState},
    },
    event::{Event, EventKind, EventResult},
    factor::tries::{Budget, Locked},
    id::EmergencyRequestId,
    notice::{Detail, NoticeKind},
    ports::store::{EmergencyChange, File},
    secret::SecretString,
    token::{
        Acr,
        session::{EMERGENCY_SESSION, Session, SessionKind, SignedIn},
    },
};
use serde::{Deserialize, Serialize};

use crate::{people::Scene, sign_in::active};

/// What the rule goes by.
pub(super) struct Try {
    pub(super) emergency: Emergency,
    /// Whether the key is right.
    pub(super) opens: bool,
    /// Whether it opens from there.
    pub(super) admitted: bool,
    /// Whether it is known from where.
    pub(super) from: bool,
    pub(super) reason: String,
    /// Whether an earlier request was named,
    pub(super) came_back: bool,
    /// and which that is, if there is one.
    pub(super) request: Option<EmergencyRequest>,
}

/// What came of it. Kept with the `Idempotency-Key`: no secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decided {
    In { session: Box<Session> },
    Waiting { request: EmergencyRequestId },
    WrongKey,
    NotServed,
    Network,
    RequestOver,
    Locked { until: Timestamp },
}

impl Try {
    pub(super) fn decide(&self, scene: &Scene, file: &mut File) -> Decided {
        let charged = match self.from.then(|| file.network.charge(&Budget::EMERGENCY, scene.now)) {
            None => None,
            Some(Ok(charge)) => Some(charge),
            Some(Err(locked)) => {
                // Told no more: five tries from there were, and mails must not be a way to drown somebody.
                self.record(scene, file, EventKind::EmergencyRefused, Some("locked"), None);
                let until = match locked {
                    Locked::Until(until) => until,
                    Locked::UntilReset => scene.now,
                };
                return Decided::Locked { until };
            }
        };
        if !self.opens {
            self.refuse(scene, file, "wrong_key");
            return Decided::WrongKey;
        }
        if let Some(charge) = charged {
            file.network.succeeded(charge);
        }
        if !self.admitted {
            self.refuse(scene, file, "network");
            return Decided::Network;
        }
        let Some(user) = active(file).filter(|user| self.emergency.serves(&user.role)).map(|user| user.id)
        else {
            self.refuse(scene, file, "not_served");
            return Decided::NotServed;
        };
        if !self.emergency.needs_approval() {
            return self.let_in(scene, file, user, None);
        }
        if !self.came_back {
            return self.ask(scene, file, user);
        }
        let (application, key) = (scene.application.id, self.emergency.fingerprint());
        let own = self.request.as_ref().filter(|request| request.is_of(application, user, &key));
        match own.filter(|_| !file.used_before).map(|request| (request.id, request.state(scene.now))) {
            Some((request, RequestState::Waiting)) => Decided::Waiting { request },
            Some((request, RequestState::Approved)) => {
                file.use_up = true;
                self.let_in(scene, file, user, Some(request))
            }
            Some((_, RequestState::Used | RequestState::Expired)) | None => {
                self.refuse(scene, file, "request_over");
                Decided::RequestOver
            }
        }
    }

    fn let_in(
        &self,
        scene: &Scene,
        file: &mut File,
        user: backstop_domain::id::UserId,
        request: Option<EmergencyRequestId>,
    ) -> Decided {
        let by = SignedIn {
            application: scene.application.id,
            user,
            kind: SessionKind::Emergency,
            amr: vec!["kba".to_owned()],
            acr: Acr::Aal1,
            device: None,
            network: scene.masked_network(),
            life: EMERGENCY_SESSION,
            on_hold_until: None,
        };
        let session = Session::begin(by, scene.now, scene.random.as_ref());
        file.sessions.push(session.clone());
        let key = KeyUsed { fingerprint: self.emergency.fingerprint(), at: scene.now };
        file.emergency = Some(EmergencyChange::Used { key, request });
        let approved = request.map(|request| request.to_string());
        self.record(scene, file, EventKind::EmergencyUsed, approved.as_deref(), Some(session.id.to_string()));
        scene.notify(file, NoticeKind::EmergencyUsed, Detail::default());
        Decided::In { session: Box::new(session) }
    }

    fn ask(&self, scene: &Scene, file: &mut File, user: backstop_domain::id::UserId) -> Decided {
        let request = EmergencyRequest::ask(
            (scene.application.id, user),
            self.emergency.fingerprint(),
            (&self.reason, scene.masked_network()),
            scene.now,
            &scene.ring,
            scene.random.as_ref(),
        );
        let id = request.id;
        self.record(scene, file, EventKind::EmergencyRequested, None, Some(id.to_string()));
        scene.notify(file, NoticeKind::EmergencyTried, Detail::default());
        file.emergency = Some(EmergencyChange::Asked(Box::new(request)));
        Decided::Waiting { request: id }
    }

    fn refuse(&self, scene: &Scene, file: &mut File, why: &str) {
        self.record(scene, file, EventKind::EmergencyRefused, Some(why), None);
        scene.notify(file, NoticeKind::EmergencyTried, Detail::default());
    }

    fn record(
        &self,
        scene: &Scene,
        file: &mut File,
        kind: EventKind,
        method: Option<&str>,
        object: Option<String>,
    ) {
        let result = match kind {
            EventKind::EmergencyRefused => EventResult::Refused,
            _ => EventResult::Done,
        };
        let from = scene.masked_network().unwrap_or_else(|| "an unknown network".to_owned());
        let event = Event {
            result,
            object,
            method: method.map(str::to_owned),
            detail: Some(SecretString::new(format!("from {from}: {}", self.reason))),
            ..Event::new(scene.now, kind, scene.actor.clone())
        };
        scene.record_with(file, event);
    }
}

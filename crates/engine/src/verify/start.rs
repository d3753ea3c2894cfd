//! Starting a verification: policy, plan, one durable transaction, and the delivery handed over.
//!
//! When this answers, the verification, its charges and its outbox entry are committed. No vendor is waited for unless
//! the caller asked to; and if it did, the delivery goes on whether or not the caller stays.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use backstop_domain::{
    application::network_of,
    channel::Channel,
    clock::Timestamp,
    code::{Code, CodeForm},
    delivery::{Delivery, DeliveryState, LEASE, Lease},
    id::{DeliveryId, VerificationId},
    keyring::{LookupHash, Sealed},
    limit::LimitExceeded,
    ports::{
        StoreError,
        store::{DeliveryTask, NewVerification, Once, Opened, OptOuts, Refusal},
    },
    purpose::Purpose,
    recipient::Recipient,
    template::Transaction,
    verification::{Personal, Status, Subject, Verification},
};

use super::policy::{self, ChannelRefused};
use crate::{
    Caller, Engine, IdempotencyKey, VerificationReport,
    deliver::{Courier, checkers::OnlyCheckers, choice::Occasion, workload::Place},
    idempotency::{Held, joined},
};

/// How long `wait` waits at the most.
pub const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// Which channels a start may use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    /// The application's ladder.
    #[default]
    Ladder,
    /// This one alone; its providers still fail over.
    Only(Channel),
    /// The ladder with this one first.
    Prefer(Channel),
    /// Exactly these, in this order.
    Exactly(Vec<Channel>),
}

/// The person, as far as the application tells.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClientInfo {
    /// Where from.
    pub ip: Option<IpAddr>,
    /// With what.
    pub user_agent: Option<String>,
}

impl std::fmt::Debug for ClientInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[client]")
    }
}

/// A start. Only `to`, the selection by one channel, `purpose` and `locale` are open to public callers.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// Who the code goes to.
    pub to: Recipient,
    /// Over which channels.
    pub selection: Selection,
    /// Confirmed addresses of the same person on other channels.
    pub fallback_to: BTreeMap<Channel, Recipient>,
    /// What it proves.
    pub purpose: Purpose,
    /// The language of the message, as BCP 47.
    pub locale: Option<String>,
    /// 4 to 10 characters instead of the application's.
    pub code_length: Option<u8>,
    /// 31 s to 24 h instead of the application's.
    pub ttl: Option<Duration>,
    /// The caller's own code.
    pub custom_code: Option<Code>,
    /// What is approved.
    pub transaction: Option<Transaction>,
    /// One person's browser: an equal start with the same session joins.
    pub session: Option<String>,
    /// The caller's own notes, 4 KiB at the most.
    pub metadata: Option<serde_json::Value>,
    /// The person.
    pub client: ClientInfo,
    /// Whether to wait until a vendor has taken the message.
    pub wait: bool,
}

impl StartRequest {
    /// A start with nothing but whom and what for.
    pub fn new(to: Recipient, purpose: Purpose) -> Self {
        Self {
            to,
            selection: Selection::Ladder,
            fallback_to: BTreeMap::new(),
            purpose,
            locale: None,
            code_length: None,
            ttl: None,
            custom_code: None,
            transaction: None,
            session: None,
            metadata: None,
            client: ClientInfo::default(),
            wait: false,
        }
    }
}

/// What a start led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// The verification: a new one, or the one that was joined.
    pub verification: VerificationReport,
    /// With `wait`: the route that took it, if one did in time.
    pub used: Option<(Channel, String)>,
}

/// Why a start was refused. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StartError {
    /// The field is the application's to say, not a page's.
    #[error("the field {0} needs a secret key")]
    NeedsSecretKey(&'static str),
    /// A publishable key may not start this purpose.
    #[error("a publishable key may not start this purpose")]
    PurposeNotPublic,
    /// The number's region is not on the list.
    #[error("codes are not sent to this country")]
    CountryNotAllowed,
    /// The named channel cannot be used.
    #[error(transparent)]
    Channel(#[from] ChannelRefused),
    /// No channel is left for this recipient and purpose.
    #[error("no channel can carry a code for this purpose to this recipient")]
    NoChannel,
    /// A field is out of its bounds.
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
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Starts a verification, or joins a pending equal one of the same session.
    ///
    /// # Errors
    /// Says why nothing was written.
    pub async fn start(
        self: &Arc<Self>,
        caller: &Caller,
        request: StartRequest,
        key: Option<&IdempotencyKey>,
    ) -> Result<Started, StartError> {
        let ladder = policy::admit(caller, &request, &self.routes)?;
        self.begin(caller, request, ladder, None, key).await
    }

    /// Starts what policy has admitted; one with a subject signs that person in.
    pub(super) async fn begin(
        self: &Arc<Self>,
        caller: &Caller,
        request: StartRequest,
        ladder: Vec<Channel>,
        subject: Option<Subject>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Started, StartError> {
        let held = self.hold(caller, key).map_err(|_| StartError::InProgress)?;
        let now = self.clock.now();
        let personal = personal(caller, &request);
        let mut verification = self.compose(caller, &request, &personal, ladder, subject, now);
        let occasion = Occasion { application: &caller.application, purpose: &request.purpose, now };
        let rungs = self.settle(occasion, &mut verification, &personal).map_err(|OnlyCheckers| {
            StartError::OutOfBounds {
                field: if request.custom_code.is_some() { "custom_code" } else { "transaction" },
                problem: "cannot go over these channels: their provider makes its own codes",
            }
        })?;
        let rules = caller.application.limits.for_delivery(
            verification.application,
            verification.recipient,
            verification.network,
        );
        let delivery = DeliveryId::new(now, self.random.as_ref());
        let place = self.workload.enter();
        let lease = self.lease(place.as_ref(), now);
        let fresh = VerificationReport::fresh(&verification, &caller.application, now, now);
        let fresh = self.told(caller, subject, &request.to, None, fresh);
        let (own, is_decoy) = (verification.id, verification.is_decoy());
        let mut courier = Courier::of(
            self.clone(),
            caller.application.clone(),
            personal,
            rungs,
            first_task(verification.clone(), delivery, lease),
        );
        // Without a place nobody here will send it.
        let first = place.as_ref().and_then(|_| courier.first(lease, now));
        // A decoy takes the same steps, and nothing comes of them.
        let first = first.filter(|_| !is_decoy);
        let (first, first_attempt) = first.unzip();
        let opened = self
            .store
            .open(NewVerification {
                verification,
                delivery,
                lease,
                first_attempt,
                rules,
                resend_after: caller.application.limits.resend_after,
                idempotency: Held::of(held.as_ref()),
            })
            .await;
        let opened = self.noting(opened)?;
        let (opened, first_time) = match opened {
            Once::OtherBody => return Err(StartError::OtherBody),
            Once::Done(opened) => (opened, true),
            Once::Before(opened) => (opened, false),
        };
        let (id, opted_out, begun) = match opened {
            Opened::Refused(Refusal(limit)) => return Err(StartError::Limited(limit)),
            Opened::Opened { verification, opted_out, begun, .. } => (verification, opted_out, begun),
        };
        let taken = request.wait.then(|| self.workload.await_taking(delivery));
        if let Some(place) = place.filter(|_| first_time) {
            if id == own {
                courier.task.opted_out = opted_out;
                self.hand_over_new(place, courier, first.filter(|_| begun));
            } else {
                drop(first);
                self.hand_over(place, caller.application.id, id, delivery);
            }
        }
        let used = match taken {
            Some(taken) if first_time => self.within(LONGEST_WAIT, taken).await,
            _ => None,
        };
        self.workload.taken(delivery, None);
        let plain = first_time && id == own;
        let report = if plain && !request.wait {
            fresh
        } else {
            match self.report(caller, id).await {
                Ok(Some(report)) => report,
                // It is committed and on its way: a store that cannot be read now does not undo that.
                Err(_) if plain => fresh,
                Ok(None) => return Err(StoreError::Internal("a start is not there".into()).into()),
                Err(error) => return Err(error.into()),
            }
        };
        let used = used.or_else(|| if request.wait { report.taken_by() } else { None });
        Ok(Started { verification: report, used })
    }

    fn compose(
        &self,
        caller: &Caller,
        request: &StartRequest,
        personal: &Personal,
        ladder: Vec<Channel>,
        subject: Option<Subject>,
        now: Timestamp,
    ) -> Verification {
        let application = &caller.application;
        let ring = self.keyring();
        let address = address(caller, request);
        let recipient = ring.lookup("recipient", request.to.limit_key().as_bytes());
        let join = request.session.as_ref().filter(|session| !session.is_empty()).map(|session| {
            let custom = request.custom_code.as_ref().map(|code| code.expose().as_bytes().to_vec());
            let mut parts = vec![
                personal.to.clone().into_bytes(),
                request.purpose.as_str().as_bytes().to_vec(),
                personal.transaction_digest(),
                custom.unwrap_or_default(),
                session.clone().into_bytes(),
            ];
            parts.extend(subject.map(|subject| subject.to_string().into_bytes()));
            ring.lookup("join", &joined(&parts))
        });
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        let codes = &application.codes;
        let mut row = Verification {
            id: VerificationId::new(now, self.random.as_ref()),
            application: application.id,
            authority: caller.authority,
            created_at: now,
            expires_at: now + request.ttl.unwrap_or(codes.ttl),
            status: Status::Pending,
            purpose: request.purpose.clone(),
            ladder,
            recipient,
            masked: request.to.masked(),
            personal: Sealed::from_bytes(Vec::new()),
            kid: ring.code_kid(),
            salt,
            form: CodeForm { length: request.code_length.unwrap_or(codes.form.length), ..codes.form },
            custom_code: None,
            join,
            network: self.network_hash(address),
            locale: request.locale.clone(),
            vendor_check: None,
            checking: None,
            subject,
            max_checks: codes.max_checks,
            checks_used: 0,
            approved_at: None,
            redeemed_at: None,
        };
        row.seal(&ring, personal, request.custom_code.as_ref(), self.random.as_ref());
        row
    }

    /// The keyed hash of the network that an address lies in.
    pub(crate) fn network_hash(&self, address: Option<IpAddr>) -> Option<LookupHash> {
        address.map(|ip| self.keyring().lookup("network", network_of(ip).as_bytes()))
    }

    /// A lease for a delivery that is handed over at once; already ended if there is no place for it, so that recovery,
    /// and nobody else, takes it as soon as there is one.
    pub(crate) fn lease(&self, place: Option<&Place>, now: Timestamp) -> Lease {
        Lease { holder: self.node, until: if place.is_some() { now + LEASE } else { now } }
    }
}

/// The person's network address, where it is known.
fn address(caller: &Caller, request: &StartRequest) -> Option<IpAddr> {
    request.client.ip.or(caller.network)
}

fn personal(caller: &Caller, request: &StartRequest) -> Personal {
    Personal {
        to: request.to.expose().to_owned(),
        fallback_to: request
            .fallback_to
            .iter()
            .map(|(channel, recipient)| (*channel, recipient.expose().to_owned()))
            .collect(),
        transaction: request.transaction.clone(),
        metadata: request.metadata.clone(),
        client_ip: address(caller, request).map(|ip| ip.to_string()),
        user_agent: request.client.user_agent.as_ref().map(|agent| agent.chars().take(512).collect()),
    }
}

/// The first delivery of a verification as its rows say it: whoever wrote them need not read them.
fn first_task(verification: Verification, delivery: DeliveryId, lease: Lease) -> DeliveryTask {
    let delivery = Delivery {
        id: delivery,
        application: verification.application,
        verification: verification.id,
        created_at: verification.created_at,
        ladder: None,
        state: DeliveryState::Queued,
        lease: Some(lease),
    };
    DeliveryTask { delivery, verification, attempts: Vec::new(), opted_out: OptOuts::default() }
}

//! Operators: inviting, joining, listing, removing.
//!
//! An invitation is a link that is good once. Whoever opens it names themselves and enrols an authenticator app; between the two
//! steps nothing is kept here: what was said travels sealed, bound to its own invitation, and is over when that is.

use backstop_domain::{
    clock::Timestamp,
    code::SubmittedCode,
    event::{Actor, Event, EventKind},
    factor::{
        qr,
        totp::{Totp, TotpConfirmation, WIDEST_SKEW},
    },
    id::OperatorId,
    keyring::Sealed,
    operator::{self, Invitation, JoinRefusal, Operator, OperatorName, OperatorRole, Removal},
    ports::StoreError,
    recipient::EmailAddress,
    secret::SecretString,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use crate::Engine;

/// The longest text that can be an enrolment.
const LONGEST: usize = 4096;

/// An invitation, shown once.
#[derive(Debug)]
pub struct Invited {
    /// What the link ends with.
    pub token: SecretString,
    /// What whoever joins will be.
    pub role: OperatorRole,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// The first step of joining: what to show.
#[derive(Debug)]
pub struct Enrolling {
    /// To come back with the first code.
    pub state: SecretString,
    /// The seed, for those who cannot scan.
    pub secret: SecretString,
    /// The seed to scan.
    pub qr_svg: String,
}

/// Why nobody joined.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JoinError {
    /// The invitation is unknown, used or over.
    #[error("the invitation is not good any more")]
    Invitation,
    /// The name cannot be one, or somebody has it.
    #[error("somebody goes by this name")]
    NameTaken,
    /// The first step was too long ago, or belongs to another invitation.
    #[error("the first step must be done again")]
    StartAgain,
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode,
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What travels between the two steps.
#[derive(Serialize, Deserialize)]
struct Enrolment {
    id: OperatorId,
    name: OperatorName,
    email: String,
    totp: Totp,
}

impl Engine {
    /// Makes an invitation. While there is no operator it is for the first one, an owner.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn invite_operator(&self, role: OperatorRole, actor: Actor) -> Result<Invited, StoreError> {
        let is_first = self.noting(self.store.operators().await)?.is_empty();
        let now = self.clock.now();
        let (invitation, token) =
            Invitation::make(role, is_first, now, &self.keyring(), self.random.as_ref());
        let event = Event::new(now, EventKind::OperatorInvited, actor);
        let event = Event { method: Some(invitation.role.as_str().to_owned()), ..event };
        self.noting(self.store.invite(invitation, self.new_record(&event)).await)?;
        Ok(Invited { token, role: invitation.role, expires_at: invitation.expires_at })
    }

    /// Every operator, oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.noting(self.store.operators().await)
    }

    /// Whether somebody may join with this token.
    ///
    /// # Errors
    /// [`JoinError::Invitation`] if not.
    pub async fn invitation(&self, token: &SecretString) -> Result<Invitation, JoinError> {
        let hash = operator::token_hash(&self.keyring(), token.expose());
        let found = self.noting(self.store.invitation(hash).await)?;
        let operators = self.noting(self.store.operators().await)?;
        found.filter(|found| found.is_good(&operators, self.clock.now())).ok_or(JoinError::Invitation)
    }

    /// The first step: says who joins, and gives the seed of their authenticator app. Nothing is kept.
    ///
    /// # Errors
    /// Says why they cannot.
    pub async fn begin_join(
        &self,
        token: &SecretString,
        name: OperatorName,
        email: &EmailAddress,
    ) -> Result<Enrolling, JoinError> {
        let invitation = self.invitation(token).await?;
        if self.operators().await?.iter().any(|one| one.name.is_same(name.as_str())) {
            return Err(JoinError::NameTaken);
        }
        let (ring, now, random) = (self.keyring(), self.clock.now(), self.random.as_ref());
        let id = OperatorId::new(now, random);
        let (totp, secret) = Totp::enrol(&operator::context(id, "totp"), &ring, random, now);
        let uri = secret.provisioning_uri("Backstop", email.expose());
        let qr_svg = qr::svg(&uri).map_err(|error| StoreError::Internal(error.to_string()))?;
        let enrolment = Enrolment { id, name, email: email.expose().to_owned(), totp };
        let plain =
            serde_json::to_vec(&enrolment).map_err(|error| StoreError::Internal(error.to_string()))?;
        let sealed = ring.seal(&plain, &place(&invitation), random);
        let state = SecretString::new(BASE64URL_NOPAD.encode(sealed.as_bytes()));
        Ok(Enrolling { state, secret: secret.base32(), qr_svg })
    }

    /// The second step: the first code of the app makes them an operator.
    ///
    /// # Errors
    /// Says why not. After [`JoinError::WrongCode`] the next code may be tried.
    pub async fn join(
        &self,
        token: &SecretString,
        state: &SecretString,
        code: &SubmittedCode,
    ) -> Result<Operator, JoinError> {
        let invitation = self.invitation(token).await?;
        let (ring, now) = (self.keyring(), self.clock.now());
        let mut enrolment = (state.expose().len() <= LONGEST)
            .then(|| BASE64URL_NOPAD.decode(state.expose().as_bytes()).ok())
            .flatten()
            .and_then(|bytes| ring.open(&Sealed::from_bytes(bytes), &place(&invitation)).ok())
            .and_then(|plain| serde_json::from_slice::<Enrolment>(&plain).ok())
            .ok_or(JoinError::StartAgain)?;
        let confirmed =
            enrolment.totp.confirm(&ring, &operator::context(enrolment.id, "totp"), code, now, WIDEST_SKEW);
        match confirmed.map_err(|error| StoreError::Internal(error.to_string()))? {
            TotpConfirmation::Confirmed => {}
            TotpConfirmation::Wrong => return Err(JoinError::WrongCode),
            TotpConfirmation::NotOpen => return Err(JoinError::StartAgain),
        }
        let email = EmailAddress::parse(&enrolment.email).map_err(|_| JoinError::StartAgain)?;
        let operator = Operator {
            id: enrolment.id,
            name: enrolment.name,
            email: Operator::seal(enrolment.id, &email, &ring, self.random.as_ref()),
            masked: email.masked(),
            role: invitation.role,
            joined_at: now,
            totp: enrolment.totp,
        };
        let event = Event::new(now, EventKind::OperatorJoined, Actor::Operator(operator.id));
        let event = Event { method: Some(operator.role.as_str().to_owned()), ..event };
        let record = self.new_record(&event);
        match self.noting(self.store.join(invitation.hash, operator.clone(), record).await)? {
            Ok(()) => Ok(operator),
            Err(JoinRefusal::Invitation) => Err(JoinError::Invitation),
            Err(JoinRefusal::NameTaken) => Err(JoinError::NameTaken),
        }
    }

    /// Removes an operator, but never the last owner.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn remove_operator(&self, id: OperatorId, actor: Actor) -> Result<Removal, StoreError> {
        let event = Event::new(self.clock.now(), EventKind::OperatorRemoved, actor);
        let record = self.new_record(&event.with_object(id.to_string()));
        self.noting(self.store.remove_operator(id, record).await)
    }
}

/// The place that an enrolment belongs to.
fn place(invitation: &Invitation) -> Vec<u8> {
    format!("operator enrolment|{}", invitation.hash.to_hex()).into_bytes()
}

//! One try to prove that a person holds a recipient: its states, and the judge of a check.
//!
//! The rules here are pure. The store applies them inside one transaction, so racing checks cannot share a count and
//! only one of them can win.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    application::{ApplicationId, Authority},
    channel::Channel,
    clock::Timestamp,
    code::{Binding, Code, CodeForm, SubmittedCode},
    id::VerificationId,
    keyring::{Keyring, KeyringError, Kid, LookupHash, Sealed},
    ports::Random,
    purpose::Purpose,
    recipient::Recipient,
    template::Transaction,
};

mod checking;
mod subject;

pub use checking::Checking;
pub use subject::{Subject, UnknownSubject};

/// How long after its approval a verification can be redeemed.
pub const REDEEM_WITHIN: Duration = Duration::from_secs(600);

/// Where a verification stands. All but `pending` are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waiting for the right code.
    Pending,
    /// The right code came.
    Approved,
    /// The application ended it.
    Canceled,
    /// Its time ran out.
    Expired,
    /// Too many wrong codes.
    MaxChecksReached,
}

/// The text is not a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a status is one of pending, approved, canceled, expired, max_checks_reached")]
pub struct UnknownStatus;

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Approved, Self::Canceled, Self::Expired, Self::MaxChecksReached];

    /// The word in JSON, SQL and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::MaxChecksReached => "max_checks_reached",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

/// The personal and private parts of a verification. At rest only as one sealed value.
#[derive(Clone, Serialize, Deserialize)]
pub struct Personal {
    /// Where the code goes, in full.
    pub to: String,
    /// Other confirmed addresses of the same person, by channel.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallback_to: BTreeMap<Channel, String>,
    /// What is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Transaction>,
    /// The caller's own notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<serde_json::Value>,
    /// The person's network address, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<String>,
    /// The person's browser, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}

impl Personal {
    /// Whom `channel` reaches: the person's address for it, or the recipient itself.
    pub fn recipient_for(&self, channel: Channel) -> Option<Recipient> {
        let to = Recipient::restore(self.to.clone());
        let fallback = self.fallback_to.get(&channel).cloned().map(Recipient::restore);
        fallback.or(Some(to)).filter(|recipient| channel.reaches(recipient))
    }

    /// Binds the code to what is approved: SHA-256 over length-prefixed parts, or nothing.
    pub fn transaction_digest(&self) -> Vec<u8> {
        self.transaction.as_ref().map_or_else(Vec::new, |transaction| {
            let mut digest = Sha256::new();
            for part in [&transaction.amount, &transaction.payee] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part.as_bytes());
            }
            digest.finalize().to_vec()
        })
    }
}

/// A verification as the store holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// Names it.
    pub id: VerificationId,
    /// Whose.
    pub application: ApplicationId,
    /// On whose word it was started.
    pub authority: Authority,
    /// When it was started.
    pub created_at: Timestamp,
    /// When its code dies.
    pub expires_at: Timestamp,
    /// Where it stands, as written; see [`Verification::status_at`].
    pub status: Status,
    /// What it proves.
    pub purpose: Purpose,
    /// The ladder, in order.
    pub ladder: Vec<Channel>,
    /// The keyed hash of the recipient.
    pub recipient: LookupHash,
    /// The recipient for people to read.
    pub masked: String,
    /// [`Personal`], sealed.
    pub personal: Sealed,
    /// The key that its code is derived with.
    pub kid: Kid,
    /// 128 random bits bound into its code.
    pub salt: [u8; 16],
    /// The form of its code.
    pub form: CodeForm,
    /// The caller's own code, sealed; gone once the verification has ended.
    pub custom_code: Option<Sealed>,
    /// What an equal start from the same browser is recognised by; `None` if nothing joins this one.
    pub join: Option<LookupHash>,
    /// The keyed hash of the person's network.
    pub network: Option<LookupHash>,
    /// The language of the message, as asked for.
    pub locale: Option<String>,
    /// The provider that makes and checks its code, where we do not. Its code is never ours, and ours never its.
    pub vendor_check: Option<String>,
    /// The check that this provider is being asked about.
    pub checking: Option<Checking>,
    /// Whose sign-in it is; `None` if it signs nobody in.
    pub subject: Option<Subject>,
    /// How many checks it takes.
    pub max_checks: u32,
    /// How many it took.
    pub checks_used: u32,
    /// When the right code came.
    pub approved_at: Option<Timestamp>,
    /// When the application redeemed it.
    pub redeemed_at: Option<Timestamp>,
}

/// What a submitted code is held against a verification's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No code of this verification has that length: nothing is charged.
    WrongForm,
    /// Not the code.
    Wrong,
    /// The code.
    Right,
}

/// The answer to a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckAnswer {
    /// Whether this very check approved the verification.
    pub valid: bool,
    /// Where the verification stands now.
    pub status: Status,
    /// How many checks it still takes.
    pub checks_left: u32,
}

impl Verification {
    /// The place that its sealed values belong to.
    pub fn context(application: ApplicationId, id: VerificationId, column: &str) -> Vec<u8> {
        format!("{application}|verifications|{id}|{column}").into_bytes()
    }

    /// Whether it stands for an address that belongs to nobody: nothing is sent for it, and no code is right.
    pub fn is_decoy(&self) -> bool {
        self.subject == Some(Subject::Nobody)
    }

    /// The status at `now`: what is past its end is expired, whether or not a sweeper ran.
    pub fn status_at(&self, now: Timestamp) -> Status {
        if self.status == Status::Pending && now >= self.expires_at { Status::Expired } else { self.status }
    }

    /// How many checks it still takes at `now`.
    pub fn checks_left(&self, now: Timestamp) -> u32 {
        match self.status_at(now) {
            Status::Pending => self.max_checks.saturating_sub(self.checks_used),
            _ => 0,
        }
    }

    /// Opens the personal parts.
    ///
    /// # Errors
    /// If the sealed value does not open.
    pub fn open_personal(&self, ring: &Keyring) -> Result<Personal, KeyringError> {
        let plain = ring.open(&self.personal, &Self::context(self.application, self.id, "personal"))?;
        serde_json::from_slice(&plain).map_err(|_| KeyringError::DoesNotOpen)
    }

    /// The code of this verification: derived, or the caller's own.
    ///
    /// # Errors
    /// If a key is gone, a sealed value does not open, or the verification has ended and its custom code is wiped.
    pub fn code(&self, ring: &Keyring, personal: &Personal) -> Result<Code, KeyringError> {
        if let Some(sealed) = &self.custom_code {
            let plain = ring.open(sealed, &Self::context(self.application, self.id, "custom_code"))?;
            let text = String::from_utf8(plain).map_err(|_| KeyringError::DoesNotOpen)?;
            return Code::custom(&text).map_err(|_| KeyringError::DoesNotOpen);
        }
        let binding = Binding {
            application: self.application,
            verification: self.id,
            salt: &self.salt,
            recipient: &personal.to,
            purpose: &self.purpose,
            transaction: &personal.transaction_digest(),
        };
        Code::derive(ring, self.kid, &binding, self.form)
    }

    /// Seals the personal parts and, where there is one, the caller's own code.
    pub fn seal(&mut self, ring: &Keyring, personal: &Personal, custom: Option<&Code>, random: &dyn Random) {
        let plain = serde_json::to_vec(personal).unwrap_or_default();
        self.personal = ring.seal(&plain, &Self::context(self.application, self.id, "personal"), random);
        self.custom_code = custom.map(|code| {
            let context = Self::context(self.application, self.id, "custom_code");
            ring.seal(code.expose().as_bytes(), &context, random)
        });
    }

    /// Takes one judged check: counts it and, if it was right, approves. A check of the wrong form, or of one that is
    /// not pending, changes nothing.
    pub fn take_check(&mut self, verdict: Verdict, now: Timestamp) -> CheckAnswer {
        let mut valid = false;
        if self.status_at(now) == Status::Pending && verdict != Verdict::WrongForm {
            self.checks_used += 1;
            if verdict == Verdict::Right {
                valid = true;
                self.status = Status::Approved;
                self.approved_at = Some(now);
            } else if self.checks_used >= self.max_checks {
                self.status = Status::MaxChecksReached;
            }
            if self.status != Status::Pending {
                self.custom_code = None;
            }
        }
        CheckAnswer { valid, status: self.status_at(now), checks_left: self.checks_left(now) }
    }

    /// Counts one check that only the vendor can judge: it stays pending until the vendor has.
    pub fn begin_check(&mut self, checking: Checking) {
        self.checks_used += 1;
        self.checking = Some(checking);
    }

    /// Takes the vendor's verdict on the check that was counted last, at a moment when it is still pending.
    pub fn conclude_check(&mut self, right: bool, now: Timestamp) -> CheckAnswer {
        self.checking = None;
        if right {
            self.status = Status::Approved;
            self.approved_at = Some(now);
        } else if self.checks_used >= self.max_checks {
            self.status = Status::MaxChecksReached;
        }
        CheckAnswer { valid: right, status: self.status_at(now), checks_left: self.checks_left(now) }
    }

    /// Ends it at the application's word. Says whether it was still pending.
    pub fn cancel(&mut self, now: Timestamp) -> bool {
        let pending = self.status_at(now) == Status::Pending;
        if pending {
            self.status = Status::Canceled;
            self.custom_code = None;
            self.checking = None;
        }
        pending
    }

    /// Hands its proof to the application, once.
    ///
    /// # Errors
    /// Why there is nothing to hand over.
    pub fn redeem(&mut self, now: Timestamp) -> Result<(), NotRedeemable> {
        if self.subject.is_some() {
            return Err(NotRedeemable::SignsIn);
        }
        match (self.status, self.approved_at, self.redeemed_at) {
            (Status::Approved, _, Some(_)) => Err(NotRedeemable::Already),
            (Status::Approved, Some(approved), None) if now.since(approved) <= REDEEM_WITHIN => {
                self.redeemed_at = Some(now);
                Ok(())
            }
            (Status::Approved, ..) => Err(NotRedeemable::TooLate),
            _ => Err(NotRedeemable::NotApproved),
        }
    }
}

/// Why an approval cannot be redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRedeemable {
    /// It was redeemed before.
    #[error("already redeemed")]
    Already,
    /// The approval is more than ten minutes old.
    #[error("approved too long ago")]
    TooLate,
    /// The right code has not come.
    #[error("not approved")]
    NotApproved,
    /// It signs a person in: its proof is the sign-in's.
    #[error("signs a person in")]
    SignsIn,
}

/// Holds a submitted code against verifications. A pure rule that the store applies inside its transaction.
#[derive(Debug, Clone)]
pub struct Judge {
    ring: std::sync::Arc<Keyring>,
    submitted: SubmittedCode,
    recipient: Option<Recipient>,
}

impl Judge {
    /// A judge of one submitted code.
    pub fn new(ring: std::sync::Arc<Keyring>, submitted: SubmittedCode) -> Self {
        Self { ring, submitted, recipient: None }
    }

    /// The same judge, for the verifications of this recipient alone.
    #[must_use]
    pub fn only_for(self, recipient: Recipient) -> Self {
        Self { recipient: Some(recipient), ..self }
    }

    /// Whether a verification is one that the code may be held against. Look-ups go by a key that several mailboxes may
    /// share, and a code that went to one of them proves nothing about another.
    ///
    /// # Errors
    /// If the verification's values do not open.
    pub fn concerns(&self, verification: &Verification) -> Result<bool, KeyringError> {
        let Some(wanted) = &self.recipient else { return Ok(true) };
        let personal = verification.open_personal(&self.ring)?;
        Ok(Recipient::restore(personal.to.clone()).is_same(wanted))
    }

    /// Whether a vendor's code could look like this: 4 to 10 digits.
    pub fn fits_a_vendor(&self) -> bool {
        self.submitted.is_digits()
    }

    /// Compares in constant time. What a vendor checks has no code of ours that could be right, and a decoy has none: its
    /// code is computed and compared like any other, and then is wrong.
    ///
    /// # Errors
    /// If the verification's values do not open.
    pub fn judge(&self, verification: &Verification) -> Result<Verdict, KeyringError> {
        if verification.vendor_check.is_some() {
            return Ok(Verdict::Wrong);
        }
        let personal = verification.open_personal(&self.ring)?;
        let code = verification.code(&self.ring, &personal)?;
        Ok(if !self.submitted.fits(&code) {
            Verdict::WrongForm
        } else if self.submitted.matches(&code) && !verification.is_decoy() {
            Verdict::Right
        } else {
            Verdict::Wrong
        })
    }
}

#[cfg(test)]
mod tests;

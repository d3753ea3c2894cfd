//! What sign-in calls have in common: who knocks, what a code is held against, which device is to be remembered.

use backstop_domain::{
    application::Application,
    code::SubmittedCode,
    factor::trusted_device::{DeviceName, ExternalDeviceId, NewDevice, key::DeviceKey},
    id::VerificationId,
    recipient::{EmailAddress, PhoneNumber, Recipient},
    secret::SecretString,
};
use backstop_engine::sign_in::{Knock, OtpTarget};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::{Code, Problem, wrong_form};

/// The address of a body that names one as `phone` or as `email`.
pub(crate) fn address(
    phone: Option<&SecretString>,
    email: Option<&SecretString>,
    application: &Application,
) -> Result<Option<Recipient>, Problem> {
    match (phone, email) {
        (None, None) => Ok(None),
        (Some(phone), None) => telephone(phone, application).map(Some),
        (None, Some(email)) => mailbox(email).map(Some),
        (Some(_), Some(_)) => Err(Problem::new(Code::InvalidRequest, "send `phone` or `email`, not both")),
    }
}

/// Reads a telephone number.
pub(crate) fn telephone(text: &SecretString, application: &Application) -> Result<Recipient, Problem> {
    Ok(Recipient::Phone(PhoneNumber::parse(text.expose(), application.default_region)?))
}

/// Reads a mail address.
pub(crate) fn mailbox(text: &SecretString) -> Result<Recipient, Problem> {
    Ok(Recipient::Email(EmailAddress::parse(text.expose())?))
}

/// Who knocks, where nobody need to.
pub(crate) fn maybe_knock(
    address: Option<Recipient>,
    mfa_token: Option<SecretString>,
) -> Result<Option<Knock>, Problem> {
    match (address, mfa_token) {
        (None, None) => Ok(None),
        (Some(address), None) => Ok(Some(Knock::Address(address))),
        (None, Some(token)) => Ok(Some(Knock::Mfa(token))),
        (Some(_), Some(_)) => {
            Err(Problem::new(Code::InvalidRequest, "an `mfa_token` names its person: leave the address out"))
        }
    }
}

/// Who knocks.
pub(crate) fn knock(address: Option<Recipient>, mfa_token: Option<SecretString>) -> Result<Knock, Problem> {
    maybe_knock(address, mfa_token)?
        .ok_or_else(|| Problem::new(Code::InvalidRequest, "send `phone`, `email` or `mfa_token`"))
}

/// What a code is held against.
pub(crate) fn target(id: Option<&str>, address: Option<Recipient>) -> Result<OtpTarget, Problem> {
    match (id, address) {
        (Some(id), None) => verification(id).map(OtpTarget::Id),
        (None, Some(address)) => Ok(OtpTarget::Address(address)),
        (None, None) => Err(Problem::new(
            Code::InvalidRequest,
            "send `verification_id`, or the address that the code went to",
        )),
        (Some(_), Some(_)) => {
            Err(Problem::new(Code::InvalidRequest, "send `verification_id` or the address, not both"))
        }
    }
}

/// Reads the id of a verification in a body.
pub(crate) fn verification(text: &str) -> Result<VerificationId, Problem> {
    text.parse().map_err(|_| Problem::field("verification_id", "must be the id that the sending answered"))
}

/// Reads a code as a person typed it.
pub(crate) fn code(text: &SecretString) -> Result<SubmittedCode, Problem> {
    SubmittedCode::parse(text.expose()).map_err(|_| wrong_form())
}

/// The device to remember.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RememberDevice)]
pub(crate) struct RememberBody {
    /// What the person calls it; it stands in notices and lists.
    #[schema(example = "Meera's phone")]
    name: String,
    /// Your own word for it; no secret.
    external_id: Option<String>,
    /// Its public key as a JSON Web Key, Ed25519 or P-256: with one it proves itself by signatures.
    #[schema(value_type = Option<Object>)]
    public_key: Option<serde_json::Value>,
}

impl RememberBody {
    /// Reads every field.
    pub(crate) fn into_device(self) -> Result<NewDevice, Problem> {
        let name = DeviceName::parse(&self.name).map_err(|error| refused("remember_device.name", &error))?;
        let external_id =
            self.external_id.map(|id| external_id("remember_device.external_id", &id)).transpose()?;
        let key = |key| DeviceKey::parse(&key).map_err(|error| refused("remember_device.public_key", &error));
        let public_key = self.public_key.map(key).transpose()?;
        Ok(NewDevice { name, external_id, public_key, network: None })
    }
}

/// A field that the domain did not take, in its words: they never hold what was sent.
pub(crate) fn refused(field: &str, why: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::InvalidRequest, format!("`{field}` was not taken: {why}"))
}

/// Reads the application's own word for a device.
pub(crate) fn external_id(field: &str, text: &str) -> Result<ExternalDeviceId, Problem> {
    ExternalDeviceId::parse(text).map_err(|error| refused(field, &error))
}

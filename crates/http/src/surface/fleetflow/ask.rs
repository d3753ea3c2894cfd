//! What FleetFlow's callers send.

use backstop_domain::{
    channel::Channel,
    code::SubmittedCode,
    factor::trusted_device::{DeviceName, ExternalDeviceId, NewDevice},
    recipient::{PhoneNumber, Recipient},
    secret::SecretString,
};
use backstop_engine::{Caller, verify::Selection};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::{Code, Problem};

/// Who wants a code, over what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FleetflowSend)]
pub(crate) struct OtpSend {
    /// A telephone number.
    #[schema(value_type = String, example = "+919876543210")]
    pub(super) phone: SecretString,
    /// `auto` (the default): one after the other until one works. `sms`, `whatsapp`, `email` or `voice`: this one alone; an
    /// e-mail goes to the person's own confirmed address.
    #[schema(example = "auto")]
    channel: Option<String>,
}

impl OtpSend {
    pub(super) fn selection(&self) -> Result<Selection, Problem> {
        Ok(match self.channel.as_deref() {
            None | Some("auto") => Selection::Ladder,
            Some("sms") => Selection::Only(Channel::Sms),
            Some("whatsapp") => Selection::Only(Channel::Whatsapp),
            Some("email") => Selection::Only(Channel::Email),
            Some("voice") => Selection::Only(Channel::Voice),
            Some(_) => {
                let known = "the channels are auto, sms, whatsapp, email and voice";
                return Err(Problem::new(Code::UnknownChannel, known));
            }
        })
    }
}

/// A code as it was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FleetflowVerify)]
pub(crate) struct OtpVerify {
    /// Who the code went to.
    #[schema(value_type = String, example = "+919876543210")]
    pub(super) phone: SecretString,
    /// What the person typed.
    #[schema(value_type = String, example = "492817")]
    pub(super) otp: SecretString,
    /// The device, if the next sign-in is to need no code.
    pub(super) remember_device: Option<Remember>,
}

/// A device to remember.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FleetflowDevice)]
pub(crate) struct Remember {
    /// Your own word for it. It proves nothing: the `device_token` of the answer does.
    #[schema(example = "android-7f3a")]
    device_id: String,
    /// What the person calls it; it stands in notices and lists.
    #[schema(example = "Meera's phone")]
    device_name: String,
}

impl Remember {
    pub(super) fn into_device(self) -> Result<NewDevice, Problem> {
        let name = DeviceName::parse(&self.device_name)
            .map_err(|error| taken("remember_device.device_name", &error))?;
        let external_id = ExternalDeviceId::parse(&self.device_id)
            .map_err(|error| taken("remember_device.device_id", &error))?;
        Ok(NewDevice { name, external_id: Some(external_id), public_key: None, network: None })
    }
}

/// A backup code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FleetflowBackupCode)]
pub(crate) struct BackupCode {
    /// Whose it is.
    #[schema(value_type = String, example = "+919876543210")]
    pub(super) phone: SecretString,
    /// What the person typed; case, spaces and hyphens do not matter.
    #[schema(value_type = String, example = "7k2m-9qxz")]
    pub(super) backup_code: SecretString,
}

/// Reads a telephone number.
pub(super) fn phone(text: &SecretString, caller: &Caller) -> Result<Recipient, Problem> {
    Ok(Recipient::Phone(PhoneNumber::parse(text.expose(), caller.application.default_region)?))
}

/// Reads a code. `None`: no code could look like this.
pub(super) fn code(text: &SecretString) -> Option<SubmittedCode> {
    SubmittedCode::parse(text.expose()).ok()
}

/// A field that was not taken, in words that never hold what was sent.
pub(super) fn taken(field: &str, why: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::InvalidRequest, format!("`{field}` was not taken: {why}"))
}

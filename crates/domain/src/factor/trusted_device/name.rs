//! What a device is called, by its person and by the application. Both are shown to people and stand in notices, so neither
//! can hold what would change the text around it.

use serde::{Deserialize, Serialize};

/// The longest name, in characters.
const MAX_NAME: usize = 64;
/// The longest id that an application gives a device, in bytes.
const MAX_EXTERNAL_ID: usize = 128;

/// What a person calls a device, as it is shown to them and put into notices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

/// The application's own word for a device. It is no secret and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExternalDeviceId(String);

/// The text cannot be what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDevice {
    /// Not a name.
    #[error("a device name is 1 to 64 characters without control characters")]
    Name,
    /// Not an id.
    #[error("a device id is 1 to 128 bytes without spaces and control characters")]
    ExternalId,
}

/// Characters that say how others are shown: a name with them could turn the notice that it stands in around.
const fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl DeviceName {
    /// Reads a name, freed of the spaces around it.
    ///
    /// # Errors
    /// [`InvalidDevice::Name`] if it is empty, too long, or holds what does not belong into a line of text.
    pub fn parse(text: &str) -> Result<Self, InvalidDevice> {
        let fits = |name: &str| {
            (1..=MAX_NAME).contains(&name.chars().take(MAX_NAME + 1).count())
                && !name.chars().any(|c| c.is_control() || reorders(c))
        };
        let name = if text.chars().any(char::is_control) { text } else { text.trim() };
        if fits(name) { Ok(Self(name.to_owned())) } else { Err(InvalidDevice::Name) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ExternalDeviceId {
    /// Reads an id.
    ///
    /// # Errors
    /// [`InvalidDevice::ExternalId`] if it is empty, too long, or holds spaces or control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidDevice> {
        let fits = (1..=MAX_EXTERNAL_ID).contains(&text.len())
            && !text.chars().any(|c| c.is_control() || c.is_whitespace() || reorders(c));
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidDevice::ExternalId) }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeviceName {
    type Error = InvalidDevice;
    fn try_from(text: String) -> Result<Self, InvalidDevice> {
        Self::parse(&text)
    }
}
impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}
impl TryFrom<String> for ExternalDeviceId {
    type Error = InvalidDevice;
    fn try_from(text: String) -> Result<Self, InvalidDevice> {
        Self::parse(&text)
    }
}
impl From<ExternalDeviceId> for String {
    fn from(id: ExternalDeviceId) -> Self {
        id.0
    }
}

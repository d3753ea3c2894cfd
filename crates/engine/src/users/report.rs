//! A user as the application and the person read it: addresses in full, factors without what they are made of.

use backstop_domain::{
    clock::Timestamp,
    factor::trusted_device::Device,
    id::UserId,
    keyring::Keyring,
    ports::StoreError,
    user::{Role, SecondFactor, User, UserStatus},
};

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct UserReport {
    /// Names them.
    pub id: UserId,
    /// When they were made.
    pub created_at: Timestamp,
    /// When anything of them last changed.
    pub updated_at: Timestamp,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// What they are in the application.
    pub role: Role,
    /// The language of messages.
    pub locale: Option<String>,
    /// When a second way is asked for.
    pub second_factor: SecondFactor,
    /// Where they can be reached.
    pub addresses: Vec<AddressReport>,
    /// What they hold.
    pub factors: FactorsReport,
}

/// An address of a user.
#[derive(Clone, PartialEq)]
pub struct AddressReport {
    /// In full.
    pub to: String,
    /// For people to read.
    pub masked: String,
    /// Whether it is a telephone number; else it is an e-mail address.
    pub phone: bool,
    /// When the user was shown to hold it.
    pub confirmed_at: Option<Timestamp>,
}

impl std::fmt::Debug for AddressReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked)
    }
}

/// Which factors a user holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorsReport {
    /// Whether there is a password.
    pub password: bool,
    /// Since when there is an authenticator app.
    pub totp: Option<Timestamp>,
    /// How many backup codes are left, if there ever were some.
    pub backup_codes_left: Option<u32>,
    /// How many devices can still prove themselves.
    pub devices: u32,
    /// On how many of them a PIN is set.
    pub pins: u32,
    /// How many passkeys there are.
    pub passkeys: u32,
}

impl UserReport {
    pub(crate) fn of(user: &User, ring: &Keyring, now: Timestamp) -> Result<Self, StoreError> {
        let unopened =
            |error| StoreError::Internal(format!("an address of user {} does not open: {error}", user.id));
        let mut addresses = Vec::new();
        for address in &user.profile.addresses {
            addresses.push(AddressReport {
                to: user.open(ring, address).map_err(unopened)?.expose().to_owned(),
                masked: address.masked.clone(),
                phone: address.phone,
                confirmed_at: address.confirmed_at,
            });
        }
        Ok(Self {
            id: user.id,
            created_at: user.created_at,
            updated_at: user.updated_at,
            status: user.status,
            role: user.role.clone(),
            locale: user.profile.locale.clone(),
            second_factor: user.second_factor,
            addresses,
            factors: FactorsReport::of(user, now),
        })
    }
}

impl FactorsReport {
    fn of(user: &User, now: Timestamp) -> Self {
        let ways = &user.profile.ways;
        let live = || ways.devices.iter().filter(|device| device.is_live(now));
        let has_pin = |device: &&Device| device.pin.as_ref().is_some_and(|pin| now < pin.expires_at);
        Self {
            password: ways.password.is_some(),
            totp: ways.totp.as_ref().and_then(|totp| totp.confirmed_at),
            backup_codes_left: ways.backup_codes.as_ref().map(|codes| many(codes.left())),
            devices: many(live().count()),
            pins: many(live().filter(has_pin).count()),
            passkeys: many(ways.passkeys.as_ref().map_or(0, |passkeys| passkeys.held().len())),
        }
    }
}

pub(crate) fn many(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

//! The people of an application: making them, reading them, changing what is known of them, erasing them.
//!
//! Every change is one act on one person, on the word of a [`Manager`](crate::manage::Manager). An address that a person was
//! shown to hold is a way in, so binding or removing one is a change of factors: it is told to the addresses that the person
//! had before, and with a telephone number go the sessions and the devices that the old one let in.

mod addresses;
mod create;
mod erase;
mod examine;
mod export;
pub mod import;
mod locale;
mod read;
mod report;
mod update;

use backstop_domain::{
    factor::{password::PasswordHash, totp::TotpForm},
    id::UserId,
    recipient::Recipient,
    secret::SecretString,
    user::{Role, SecondFactor, UserStatus},
};

pub(crate) use report::many;
pub use report::{AddressReport, FactorsReport, UserReport};

/// An address that a user gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAddress {
    /// Where.
    pub to: Recipient,
    /// Whether the application knows that the user holds it. Only then it leads to the user, and can sign in.
    pub confirmed: bool,
}

/// A user who is to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Where they can be reached.
    pub addresses: Vec<NewAddress>,
    /// What they are in the application.
    pub role: Role,
    /// The language of messages, as BCP 47.
    pub locale: Option<String>,
    /// When a second way is asked for.
    pub second_factor: SecondFactor,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// A password that they chose.
    pub password: Option<SecretString>,
    /// Or the hash of one, from another system.
    pub password_hash: Option<PasswordHash>,
    /// An authenticator app that they use already.
    pub totp: Option<ImportedTotp>,
}

impl Default for NewUser {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            role: Role::default(),
            locale: None,
            second_factor: SecondFactor::default(),
            status: UserStatus::Active,
            password: None,
            password_hash: None,
            totp: None,
        }
    }
}

/// The seed of an authenticator app, from another system.
#[derive(Debug, Clone)]
pub struct ImportedTotp {
    /// In base32.
    pub seed: SecretString,
    /// What its codes look like.
    pub form: TotpForm,
}

/// Which users.
#[derive(Debug, Clone, Default)]
pub struct UserQuery {
    /// Only whoever has this confirmed address.
    pub address: Option<Recipient>,
    /// Only of this role.
    pub role: Option<Role>,
    /// Only newer ones than this.
    pub after: Option<UserId>,
    /// How many: 1 to 100.
    pub limit: u32,
}

/// Some users, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct UserPage {
    /// The users.
    pub users: Vec<UserReport>,
    /// What to ask the next page after; `None` if there is none.
    pub next: Option<UserId>,
}

/// What is to be different about a user. What is not named stays.
#[derive(Debug, Clone, Default)]
pub struct UserChanges {
    /// The application's to say.
    pub role: Option<Role>,
    /// The application's to say.
    pub status: Option<UserStatus>,
    /// A person may ask for more of themselves, and not for less than their application requires.
    pub second_factor: Option<SecondFactor>,
    /// The language of messages; `Some(None)` forgets it.
    pub locale: Option<Option<String>>,
    /// Addresses that come. Only the application may say that one is confirmed.
    pub add: Vec<NewAddress>,
    /// Addresses that the user has, and was now shown to hold. The application's to say.
    pub confirm: Vec<Recipient>,
    /// Addresses that go. They go first.
    pub remove: Vec<Recipient>,
}

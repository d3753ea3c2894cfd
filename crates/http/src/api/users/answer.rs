//! A user as the application and the person read it.

use backstop_domain::clock::Timestamp;
use backstop_engine::users::{UserPage, UserReport};
use serde::Serialize;
use utoipa::ToSchema;

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserBody {
    /// Names them.
    id: String,
    /// When they were made.
    created_at: String,
    /// When anything of them last changed.
    updated_at: String,
    /// `active` or `suspended`.
    #[schema(example = "active")]
    status: &'static str,
    /// What they are in the application.
    #[schema(example = "driver")]
    role: String,
    /// The language of their messages.
    locale: Option<String>,
    /// When a second way is asked for: `off`, `optional` or `required`.
    #[schema(example = "optional")]
    second_factor: &'static str,
    /// Where they can be reached.
    addresses: Vec<AddressBody>,
    /// What they hold.
    factors: FactorsBody,
}

/// An address of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = Address)]
pub(crate) struct AddressBody {
    /// In full.
    #[schema(example = "+14155550123")]
    to: String,
    /// For people to read.
    #[schema(example = "+1••••••••23")]
    masked: String,
    /// `phone` or `email`.
    kind: &'static str,
    /// When the user was shown to hold it; null: they were not.
    confirmed_at: Option<String>,
}

/// Which factors a user holds.
#[derive(Serialize, ToSchema)]
#[schema(as = Factors)]
pub(crate) struct FactorsBody {
    /// Whether there is a password.
    password: bool,
    /// Since when there is an authenticator app.
    totp: Option<String>,
    /// How many backup codes are left, if some were made.
    backup_codes_left: Option<u32>,
    /// How many devices are trusted.
    devices: u32,
    /// On how many of them a PIN is set.
    pins: u32,
    /// How many passkeys there are.
    passkeys: u32,
}

/// A page of users, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = UserPage)]
pub(crate) struct UserPageBody {
    users: Vec<UserBody>,
    /// The `cursor` of the next page; null on the last.
    next_cursor: Option<String>,
}

impl UserBody {
    pub(crate) fn new(report: UserReport) -> Self {
        let addresses = report.addresses.into_iter().map(|address| AddressBody {
            to: address.to,
            masked: address.masked,
            kind: if address.phone { "phone" } else { "email" },
            confirmed_at: address.confirmed_at.map(Timestamp::to_rfc3339),
        });
        Self {
            id: report.id.to_string(),
            created_at: report.created_at.to_rfc3339(),
            updated_at: report.updated_at.to_rfc3339(),
            status: report.status.as_str(),
            role: report.role.to_string(),
            locale: report.locale,
            second_factor: report.second_factor.as_str(),
            addresses: addresses.collect(),
            factors: FactorsBody {
                password: report.factors.password,
                totp: report.factors.totp.map(Timestamp::to_rfc3339),
                backup_codes_left: report.factors.backup_codes_left,
                devices: report.factors.devices,
                pins: report.factors.pins,
                passkeys: report.factors.passkeys,
            },
        }
    }
}

impl UserPageBody {
    pub(crate) fn new(page: UserPage) -> Self {
        Self {
            users: page.users.into_iter().map(UserBody::new).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
        }
    }
}

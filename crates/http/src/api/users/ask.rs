//! What is said of users, and how it becomes what the engine takes.

use backstop_domain::{
    application::Application,
    factor::{
        password::PasswordHash,
        totp::{TotpAlgorithm, TotpForm},
    },
    id::UserId,
    recipient::Recipient,
    secret::SecretString,
    user::{Role, SecondFactor, UserStatus},
};
use backstop_engine::users::{ImportedTotp, NewAddress, NewUser, UserChanges, UserQuery};
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use crate::{api::sign_in::ask::refused, error::Problem, extract::Object};

/// A user who is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(crate) struct NewUserBody {
    /// Where they can be reached; 10 at the most.
    #[schema(value_type = Option<Vec<AddressIn>>)]
    addresses: Option<Vec<Object<AddressIn>>>,
    /// What they are in the application: 1 to 32 characters from a-z, 0-9, _ and -; `user` if nothing is said.
    #[schema(example = "driver")]
    role: Option<String>,
    /// The language of their messages, as `en` or `hi-IN`.
    locale: Option<String>,
    /// When a second way is asked for: `off`, `optional` (once one is enrolled; the default) or `required`.
    #[schema(example = "optional")]
    second_factor: Option<String>,
    /// `active` (the default) or `suspended`.
    #[schema(example = "active")]
    status: Option<String>,
    /// A password: 8 to 128 characters; none of the well-known ones.
    #[schema(value_type = Option<String>)]
    password: Option<SecretString>,
    /// Or the hash of one from another system: argon2id or bcrypt.
    #[schema(value_type = Option<String>)]
    password_hash: Option<SecretString>,
    /// An authenticator app that they use already, from another system.
    #[schema(value_type = Option<TotpIn>)]
    totp: Option<Object<TotpIn>>,
}

/// An address of a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAddress)]
pub(crate) struct AddressIn {
    /// A telephone number in international form, or a mail address.
    #[schema(value_type = String, example = "+14155550123")]
    to: SecretString,
    /// Whether you know that the user holds it; else it can neither sign in nor receive.
    confirmed: Option<bool>,
}

/// The seed of an authenticator app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportedTotp)]
pub(crate) struct TotpIn {
    /// In base32; 128 bits or more.
    #[schema(value_type = String)]
    secret: SecretString,
    /// `SHA1` (the default), `SHA256` or `SHA512`.
    algorithm: Option<String>,
    /// 6 (the default) or 8.
    digits: Option<u8>,
    /// Seconds that a code stands; 30 if nothing is said.
    period: Option<u16>,
}

impl NewUserBody {
    /// Reads every field.
    pub(crate) fn into_user(self, application: &Application) -> Result<NewUser, Problem> {
        let hash = |text: SecretString| {
            PasswordHash::parse(text.expose()).map_err(|error| refused("password_hash", &error))
        };
        Ok(NewUser {
            addresses: addresses(self.addresses.unwrap_or_default(), application)?,
            role: self.role.as_deref().map(role).transpose()?.unwrap_or_default(),
            locale: self.locale,
            second_factor: self.second_factor.as_deref().map(second_factor).transpose()?.unwrap_or_default(),
            status: self.status.as_deref().map(status).transpose()?.unwrap_or(UserStatus::Active),
            password: self.password,
            password_hash: self.password_hash.map(hash).transpose()?,
            totp: self.totp.map(|Object(totp)| totp.read()).transpose()?,
        })
    }
}

impl TotpIn {
    fn read(self) -> Result<ImportedTotp, Problem> {
        let usual = TotpForm::default();
        let algorithm = match self.algorithm {
            Some(word) => TotpAlgorithm::parse(&word)
                .ok_or_else(|| Problem::field("totp.algorithm", "must be SHA1, SHA256 or SHA512"))?,
            None => usual.algorithm,
        };
        let form = TotpForm {
            algorithm,
            digits: self.digits.unwrap_or(usual.digits),
            period: self.period.unwrap_or(usual.period),
        };
        Ok(ImportedTotp { seed: self.secret, form })
    }
}

/// What is to be different about a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChanges)]
pub(crate) struct ChangesBody {
    /// What they are in the application.
    role: Option<String>,
    /// `active` or `suspended`.
    status: Option<String>,
    /// `off`, `optional` or `required`.
    second_factor: Option<String>,
    /// The language of their messages; null forgets it.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    locale: Option<Option<String>>,
    /// Addresses that come.
    #[schema(value_type = Option<Vec<AddressIn>>)]
    add_addresses: Option<Vec<Object<AddressIn>>>,
    /// Addresses that the user has, and was now shown to hold.
    #[schema(value_type = Option<Vec<String>>)]
    confirm_addresses: Option<Vec<SecretString>>,
    /// Addresses that go. They go first.
    #[schema(value_type = Option<Vec<String>>)]
    remove_addresses: Option<Vec<SecretString>>,
}

/// Tells null from nothing.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl ChangesBody {
    /// Reads every field.
    pub(crate) fn into_changes(self, application: &Application) -> Result<UserChanges, Problem> {
        let recipients = |list: Option<Vec<SecretString>>| -> Result<Vec<Recipient>, Problem> {
            list.unwrap_or_default().iter().map(|text| recipient(text, application)).collect()
        };
        Ok(UserChanges {
            role: self.role.as_deref().map(role).transpose()?,
            status: self.status.as_deref().map(status).transpose()?,
            second_factor: self.second_factor.as_deref().map(second_factor).transpose()?,
            locale: self.locale,
            add: addresses(self.add_addresses.unwrap_or_default(), application)?,
            confirm: recipients(self.confirm_addresses)?,
            remove: recipients(self.remove_addresses)?,
        })
    }
}

/// Which users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsersQuery {
    /// Only whoever has this confirmed address.
    #[param(value_type = Option<String>)]
    address: Option<SecretString>,
    /// Only of this role.
    role: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 100; 20 if nothing is said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl UsersQuery {
    /// Reads every filter.
    pub(crate) fn into_query(self, application: &Application) -> Result<UserQuery, Problem> {
        let limit = self.limit.unwrap_or(20);
        if !(1..=100).contains(&limit) {
            return Err(Problem::field("limit", "must be 1 to 100"));
        }
        let cursor = |word: String| -> Result<UserId, Problem> {
            word.parse().map_err(|_| Problem::field("cursor", "must be the next_cursor of a page"))
        };
        Ok(UserQuery {
            address: self.address.map(|text| recipient(&text, application)).transpose()?,
            role: self.role.as_deref().map(role).transpose()?,
            after: self.cursor.map(cursor).transpose()?,
            limit,
        })
    }
}

fn addresses(list: Vec<Object<AddressIn>>, application: &Application) -> Result<Vec<NewAddress>, Problem> {
    let read = |Object(address): Object<AddressIn>| {
        let to = recipient(&address.to, application)?;
        Ok(NewAddress { to, confirmed: address.confirmed.unwrap_or(false) })
    };
    list.into_iter().map(read).collect()
}

fn recipient(text: &SecretString, application: &Application) -> Result<Recipient, Problem> {
    Ok(Recipient::parse(text.expose(), application.default_region)?)
}

fn role(word: &str) -> Result<Role, Problem> {
    word.parse().map_err(|error| refused("role", &error))
}

fn status(word: &str) -> Result<UserStatus, Problem> {
    word.parse().map_err(|_| Problem::field("status", "must be active or suspended"))
}

fn second_factor(word: &str) -> Result<SecondFactor, Problem> {
    word.parse().map_err(|_| Problem::field("second_factor", "must be off, optional or required"))
}

//! Rows of another system's users: CSV with a header, or JSON objects, with the same names in both.
//!
//! `phone`, `email`, `role`, `locale`, `status`, `second_factor`, `password_hash` (argon2id or bcrypt), `totp_seed` (base32),
//! `totp_algorithm`, `totp_digits`, `totp_period`; what is not there or empty is as if a user was made without it. The
//! addresses count as confirmed, so a file holds only such that the other system confirmed. A name that is none of these is
//! refused, since what it means would be lost. No refusal repeats what stands in a row.

use std::{collections::BTreeMap, fmt, io::Read, str::FromStr};

use backstop_domain::{
    factor::{
        password::PasswordHash,
        totp::{TotpAlgorithm, TotpForm},
    },
    recipient::{EmailAddress, InvalidRecipient, PhoneNumber, Recipient, Region},
    secret::SecretString,
};
use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use super::{ImportedTotp, NewAddress, NewUser, locale::locale};

/// What a row may hold.
pub const FIELDS: [&str; 11] = [
    "phone",
    "email",
    "role",
    "locale",
    "status",
    "second_factor",
    "password_hash",
    "totp_seed",
    "totp_algorithm",
    "totp_digits",
    "totp_period",
];

/// A row is no user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidRow {
    /// Which part.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl InvalidRow {
    fn of(field: &'static str, problem: impl fmt::Display) -> Self {
        Self { field, problem: problem.to_string() }
    }
}

/// Reads one JSON object. `region` is where a number without `+` is read as a national form.
///
/// # Errors
/// Says what is wrong with it.
pub fn of_json(row: &Value, region: Option<Region>) -> Result<NewUser, InvalidRow> {
    let row = row.as_object().ok_or_else(|| InvalidRow::of("row", "is no JSON object"))?;
    let mut fields = BTreeMap::new();
    for (name, value) in row {
        let name = known(name)?;
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(InvalidRow::of(name, "is neither a text nor a number")),
        };
        fields.insert(name, text);
    }
    user(&fields, region)
}

/// Reads CSV, a row at a time. `region` as for [`of_json`].
///
/// # Errors
/// If the header cannot be read, or names something unknown or something twice.
pub fn of_csv<R: Read>(
    file: R,
    region: Option<Region>,
) -> Result<impl Iterator<Item = Result<NewUser, InvalidRow>>, InvalidRow> {
    let mut rows = ReaderBuilder::new().from_reader(file);
    let header = rows.headers().map_err(|_| InvalidRow::of("header", "cannot be read"))?;
    let names = header.iter().map(|name| known(name.trim())).collect::<Result<Vec<_>, _>>()?;
    if let Some(twice) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
        return Err(InvalidRow::of(twice.1, "stands in the header twice"));
    }
    Ok(rows.into_records().map(move |row| {
        // What the library says of a row may hold the row.
        let row =
            row.map_err(|_| InvalidRow::of("row", "is no UTF-8, or is longer or shorter than the header"))?;
        user(&named(&names, &row), region)
    }))
}

fn named(names: &[&'static str], row: &StringRecord) -> BTreeMap<&'static str, String> {
    names.iter().copied().zip(row.iter().map(str::to_owned)).collect()
}

fn known(name: &str) -> Result<&'static str, InvalidRow> {
    let found = FIELDS.into_iter().find(|field| *field == name);
    found.ok_or_else(|| {
        InvalidRow::of("header", format!("holds a name that is none of {}", FIELDS.join(", ")))
    })
}

fn user(fields: &BTreeMap<&'static str, String>, region: Option<Region>) -> Result<NewUser, InvalidRow> {
    let get = |name: &str| fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let mut user = NewUser::default();
    let mut address = |field, to: Result<Recipient, InvalidRecipient>| {
        let to = to.map_err(|error| InvalidRow::of(field, error))?;
        user.addresses.push(NewAddress { to, confirmed: true });
        Ok::<(), InvalidRow>(())
    };
    if let Some(text) = get("phone") {
        address("phone", PhoneNumber::parse(text, region).map(Recipient::Phone))?;
    }
    if let Some(text) = get("email") {
        address("email", EmailAddress::parse(text).map(Recipient::Email))?;
    }
    if user.addresses.is_empty() {
        return Err(InvalidRow::of("row", "holds neither a phone nor an email"));
    }
    user.role = word("role", get("role"))?.unwrap_or(user.role);
    user.status = word("status", get("status"))?.unwrap_or(user.status);
    user.second_factor = word("second_factor", get("second_factor"))?.unwrap_or(user.second_factor);
    user.locale =
        get("locale").map(locale).transpose().map_err(|_| InvalidRow::of("locale", "is no language tag"))?;
    user.password_hash = get("password_hash")
        .map(PasswordHash::parse)
        .transpose()
        .map_err(|error| InvalidRow::of("password_hash", error))?;
    user.totp = totp(get)?;
    Ok(user)
}

fn totp<'f>(get: impl Fn(&str) -> Option<&'f str>) -> Result<Option<ImportedTotp>, InvalidRow> {
    let usual = TotpForm::default();
    let algorithm = get("totp_algorithm").map(|text| {
        TotpAlgorithm::parse(text)
            .ok_or_else(|| InvalidRow::of("totp_algorithm", "is none of SHA1, SHA256, SHA512"))
    });
    let form = TotpForm {
        algorithm: algorithm.transpose()?.unwrap_or(usual.algorithm),
        digits: number("totp_digits", get("totp_digits"))?.unwrap_or(usual.digits),
        period: number("totp_period", get("totp_period"))?.unwrap_or(usual.period),
    };
    match get("totp_seed") {
        Some(seed) => Ok(Some(ImportedTotp { seed: SecretString::new(seed), form })),
        None if form == usual => Ok(None),
        None => Err(InvalidRow::of("totp_seed", "is missing beside what its codes look like")),
    }
}

fn word<T: FromStr<Err: fmt::Display>>(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, InvalidRow> {
    text.map(str::parse).transpose().map_err(|error| InvalidRow::of(field, error))
}

fn number<T: FromStr>(field: &'static str, text: Option<&str>) -> Result<Option<T>, InvalidRow> {
    text.map(str::parse).transpose().map_err(|_| InvalidRow::of(field, "is no number that it could be"))
}

#[cfg(test)]
mod tests;

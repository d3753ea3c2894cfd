//! The factors of a user: enrolled and removed by the application, or by the person after a fresh sign-in. Secrets are
//! told once, in the answer that makes them.

pub(crate) mod backup_codes;
pub(crate) mod devices;
pub(crate) mod passkeys;
pub(crate) mod password;
pub(crate) mod totp;

use crate::error::Problem;

pub(crate) type Answer<T> = Result<axum::Json<T>, Problem>;

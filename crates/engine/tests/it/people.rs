//! People: making and changing them, and what they hold, on a real SQLite store.

mod backup_codes;
mod changes;
mod devices;
mod erased;
mod home;
mod imports;
mod offline;
mod passkeys;
mod passwords;
mod totp;
mod users;
mod who;

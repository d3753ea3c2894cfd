//! The other ways in that need more than a pure rule of the domain, one file each.

pub mod passkey;

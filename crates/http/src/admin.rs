//! Pages of those who run the installation.

pub(crate) mod join;

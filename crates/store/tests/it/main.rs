//! What the store promises, shown on real databases: one contract, and what each database promises beside it.
#![cfg_attr(
    test,
    expect(clippy::duplicate_mod, reason = "the contract is written once and run on each database")
)]

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod moved;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod sqlite;

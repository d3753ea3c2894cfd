//! What the store promises, shown on real databases: one contract, and what each database promises beside it.

#[cfg(test)]
mod setup;
#[cfg(test)]
mod sqlite;

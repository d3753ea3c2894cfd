//! What every store promises, written once. `sqlite.rs` and `postgres.rs` each include this with a `World` of their own,
//! so a test's name says on which database it ran.

use super::World;

mod answers;
pub(crate) mod audit;
mod checks;
mod deliveries;
mod ended;
mod first_attempt;
mod forgotten;
mod goes_on;
mod listing;
mod money;
mod notices;
mod operators;
mod paces;
pub(crate) mod people;
mod races;
mod receipts;
mod reopened;
mod routing;
mod sign_ins;
mod silence;
mod starts;
mod stops;
mod strangers;
mod time;
mod usage;
mod vendor_checks;
mod views;

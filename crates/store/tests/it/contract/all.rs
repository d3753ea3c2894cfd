//! What every store promises, written once. `sqlite.rs` and `postgres.rs` each include this with a `World` of their own,
//! so a test's name says on which database it ran.

use super::World;

mod checks;
mod deliveries;
mod ended;
mod listing;
mod races;
mod reopened;
mod starts;

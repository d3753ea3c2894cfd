//! What the store promises, shown on real SQLite files.

mod checks;
mod deliveries;
mod ended;
mod listing;
mod migrations;
mod races;
mod rebuilt;
mod setup;
mod starts;
mod views;

//! The engine's tests: use cases on a real SQLite store, and the simulation.

#[cfg(test)]
mod delivering;
#[cfg(test)]
mod simulation;

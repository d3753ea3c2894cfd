//! The engine's tests: use cases on a real SQLite store, and the simulation.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod checkers;
#[cfg(test)]
mod decoys;
#[cfg(test)]
mod delivering;
#[cfg(test)]
mod emergency;
#[cfg(test)]
mod hooked;
mod house;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod operators;
mod people;
mod sign_in;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod telling;

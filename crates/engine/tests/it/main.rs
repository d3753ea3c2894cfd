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
mod hooked;
#[cfg(test)]
mod house;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod people;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod telling;
mod sign_in;

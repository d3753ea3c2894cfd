//! The engine's tests: use cases on a real SQLite store, and the simulation.

#[cfg(test)]
mod audit;
#[cfg(test)]
#[path = "../../src/factor/passkey/tests/authenticator.rs"]
#[expect(dead_code, reason = "the tests beside the ceremonies use the rest")]
mod authenticator;
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
#[cfg(test)]
mod house;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod operators;
#[cfg(test)]
mod people;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod telling;

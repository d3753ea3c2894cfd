//! The doors from outside, over a store that is down: who is let in, and what everybody else hears.

mod access;
mod bodies;
mod contract;
mod envelope;
mod house;
mod public;
mod surfaces;

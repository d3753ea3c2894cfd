//! The doors from outside, over a store that is down: who is let in, and what everybody else hears.

mod access;
mod bodies;
mod contract;
mod envelope;
mod hostile;
mod house;
mod managing;
mod public;
mod sign_in;
mod surfaces;
mod tenants;

//! End-to-end tests: the real program as a process of its own, real HTTP, a real SQLite file, and vendors on loopback.

#[cfg(test)]
mod authority;
mod browser;
mod cli;
mod crash;
mod harness;
mod hygiene;
mod idempotency;
mod limits;
mod outages;
mod prices;
mod privacy;
mod process;
mod races;
mod real_parts;
mod smoke;
mod surfaces;
mod verify;

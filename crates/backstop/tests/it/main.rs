//! End-to-end tests: the real program as a process of its own, real HTTP, a real SQLite file, and vendors on loopback.

mod harness;
mod smoke;

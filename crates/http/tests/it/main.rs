//! The server on real sockets, with its limits made short.

mod harness;
mod limits;
mod requests;

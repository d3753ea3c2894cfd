//! The server on real sockets, with its limits made short.

#[cfg(test)]
mod harness;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod requests;

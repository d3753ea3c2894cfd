//! Everything that providers promise, from outside: each is built by the registry and speaks over loopback to a vendor
//! of fixtures, to a vendor that misbehaves, or to a real server.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod checkups;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod inbox;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod ses;
#[cfg(test)]
mod smtp;
#[cfg(test)]
mod sns;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod vendors;

//! End-to-end tests: the real program as a process of its own, real HTTP, a real SQLite file, and vendors on loopback.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod checkers;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod emergency;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hygiene;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod people;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod process;
#[cfg(test)]
mod races;
#[cfg(test)]
mod real_parts;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod smoke;
#[cfg(test)]
mod surfaces;
#[cfg(test)]
mod verify;

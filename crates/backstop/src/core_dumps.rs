//! No core dumps: a copy of this process's memory on a disk would hold its keys and the codes on their way.
//!
//! The limit is set to nothing, and cannot be raised again, before the configuration with its secrets is read. Where the
//! kernel hands dumps to a program instead of writing a file, that program decides; systemd's keeps to the limit.

use anyhow::Context;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Switches core dumps off, for this process and those that it starts.
///
/// # Errors
/// If the system refuses, which it has no reason to.
pub(crate) fn off() -> anyhow::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .context("core dumps cannot be switched off, and one would hold every key")
}

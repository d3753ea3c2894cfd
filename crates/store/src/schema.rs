//! Which schemas a program runs on, alike for both databases: its own, and the next one.
//!
//! A change first expands (a program that does not know the new column goes on without it) and contracts only in a later
//! release, so that nodes are upgraded one by one, and a downgrade by one step works.

use crate::error::{Result, internal};

/// Refuses a database that is newer than the next schema.
pub(crate) fn refuse_newer(found: u32, current: u32) -> Result<()> {
    if found > current + 1 {
        let problem = format!(
            "the database has schema {found}, this program knows {current} and {}: run a newer program, \
             or restore a backup made before the upgrade",
            current + 1
        );
        return Err(internal(problem).into());
    }
    Ok(())
}

/// Refuses a database that needs a migration first.
pub(crate) fn refuse_older(found: u32, current: u32) -> Result<()> {
    if found < current {
        let problem = format!(
            "the database has schema {found}, this program needs {current}: run `backstop migrate` first"
        );
        return Err(internal(problem).into());
    }
    Ok(())
}

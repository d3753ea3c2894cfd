//! What the disk gives: without it no durable figure can be read.

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// Appends of 4 KiB, each made durable before the next, in a second.
pub(crate) fn syncs_per_second(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let (begun, mut syncs) = (Instant::now(), 0_u32);
    while begun.elapsed() < Duration::from_millis(500) {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        syncs += 1;
    }
    let rate = f64::from(syncs) / begun.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}

/// The kind of file system that a folder is on, as the system calls it. Memory would make every sync free.
pub(crate) fn file_system(folder: &Path) -> String {
    let told = Command::new("stat").args(["-f", "-c", "%T"]).arg(folder).output();
    told.map_or_else(|_| "unknown".into(), |told| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

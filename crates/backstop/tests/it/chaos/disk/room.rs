//! The room that a database has, and how it is taken away and given back.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::Program;

/// The room that a database has.
pub(super) enum Room {
    /// A file system of a few megabytes.
    Disk(PathBuf),
    /// A limit on the size of each file, which a write that goes beyond is told of.
    Quota(PathBuf),
}

impl Room {
    /// Mounts a file system of this size over a folder, or says why it cannot.
    pub(super) fn disk(folder: &Path, size: &str) -> Result<Self, String> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(folder).output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Self::Disk(folder.to_owned())),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// A small disk, or a quota in its place if none can be mounted here, said loudly. It is larger than the write-ahead
    /// log grows before it is emptied (16 MiB).
    pub(super) fn small(folder: &Path) -> Self {
        Self::disk(folder, "size=48m").unwrap_or_else(|problem| {
            loudly(&format!(
                "a quota on the size of files stands in for a full disk, which cannot be made here: {problem}"
            ));
            Self::Quota(folder.to_owned())
        })
    }

    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Disk(folder) | Self::Quota(folder) => folder,
        }
    }

    /// What a program that is to feel a quota is started through: the signal that would end it is ignored.
    pub(super) fn through(&self) -> &'static [&'static str] {
        match self {
            Self::Disk(_) => &[],
            Self::Quota(_) => &["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""],
        }
    }

    /// Takes the room away.
    pub(super) fn fill(&self, program: &Program) {
        match self {
            Self::Disk(folder) => fill(folder),
            Self::Quota(folder) => {
                let log = fs::metadata(folder.join("backstop.db-wal")).unwrap().len();
                limit(program, &format!("--fsize={log}:unlimited"));
            }
        }
    }

    /// Gives it back.
    pub(super) fn clear(&self, program: &Program) {
        match self {
            Self::Disk(folder) => fs::remove_file(folder.join("filler")).unwrap(),
            Self::Quota(_) => limit(program, "--fsize=unlimited:unlimited"),
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Self::Disk(folder) = self {
            let _ = Command::new("umount").arg("-l").arg(folder).status();
        }
    }
}

fn limit(program: &Program, what: &str) {
    let pid = program.pid().to_string();
    assert!(Command::new("prlimit").args(["--pid", &pid, what]).status().unwrap().success());
}

/// Says what a passing test would keep to itself if it went through `eprintln`.
pub(super) fn loudly(words: &str) {
    writeln!(std::io::stderr(), "NOT TESTED AS IT SHOULD BE: {words}").unwrap();
}

/// Fills a file system to its last block.
fn fill(folder: &Path) {
    let mut filler = File::create(folder.join("filler")).unwrap();
    let full = loop {
        if let Err(full) = filler.write_all(&[0; 4096]) {
            break full;
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
}

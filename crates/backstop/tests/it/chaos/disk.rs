//! A disk that runs full under load: calls end with 503 and a time to come back, the process lives, nothing is damaged, and
//! when there is room again it goes on. What was acknowledged, before and after, holds.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::Ordering,
    time::Duration,
};

use serde_json::json;

use super::{
    RULES,
    callers::Town,
    checker::{Rules, faults},
    configuration, evidence, gateways,
    history::Asked,
    live,
};
use crate::harness::{
    Program, eventually, pause,
    program::{BASE, write_private},
    raw::query,
};

/// What is refused is to be refused for want of room.
const ROOMY: Rules = Rules { application_per_minute: 10_000, ..RULES };
const PATIENCE: Duration = Duration::from_secs(40);

/// The room that a database has.
enum Room {
    /// A file system of a few megabytes.
    Disk(PathBuf),
    /// A limit on the size of each file, which a write that goes beyond is told of.
    Quota(PathBuf),
}

impl Room {
    /// Mounts a small file system, larger than the write-ahead log grows before it is emptied (16 MiB), or says loudly that it cannot, and takes a quota in its place.
    fn mounted(folder: &Path) -> Self {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"]).arg(folder).output();
        match mounted {
            Ok(output) if output.status.success() => Self::Disk(folder.to_owned()),
            other => {
                // Not through eprintln, whose words a passing test keeps to itself.
                let words = "NO FULL DISK WAS TESTED: a small file system cannot be mounted here (that takes root). A quota on \
                             the size of files stands in for it.";
                writeln!(std::io::stderr(), "{words} {other:?}").unwrap();
                Self::Quota(folder.to_owned())
            }
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Disk(folder) | Self::Quota(folder) => folder,
        }
    }

    /// What a program that is to feel a quota is started through: the signal that would end it is ignored.
    fn through(&self) -> &'static [&'static str] {
        match self {
            Self::Disk(_) => &[],
            Self::Quota(_) => &["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""],
        }
    }

    /// Takes the room away.
    fn fill(&self, program: &Program) {
        match self {
            Self::Disk(folder) => {
                let mut filler = File::create(folder.join("filler")).unwrap();
                let full = loop {
                    if let Err(full) = filler.write_all(&[0; 4096]) {
                        break full;
                    }
                };
                assert_eq!(full.kind(), ErrorKind::StorageFull);
            }
            Self::Quota(folder) => {
                let log = fs::metadata(folder.join("backstop.db-wal")).unwrap().len();
                limit(program, &format!("--fsize={log}:unlimited"));
            }
        }
    }

    /// Gives it back.
    fn clear(&self, program: &Program) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    survives(&Room::mounted(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_up_quota_is_told_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    survives(&Room::Quota(folder.path().to_owned())).await;
}

/// A program whose database and root key, and nothing else, are in this room.
fn program(room: &Room, more: &str) -> Program {
    let folder = tempfile::tempdir().unwrap();
    write_private(&folder.path().join("backstop.toml"), &format!("{BASE}\n{more}"));
    std::os::unix::fs::symlink(room.folder(), folder.path().join("data")).unwrap();
    Program::in_folder_through(folder, room.through(), &[("RUST_LOG", "info")])
}

async fn survives(room: &Room) {
    let gateways = gateways().await;
    let program = program(room, &configuration(ROOMY, &gateways));
    let town = Town::new(vec![program.shop()], gateways);
    let answered = async |status: u16, number: u32| {
        let start = Asked::Start { to: format!("+1415{:07}", 5_550_100 + number), purpose: "login".into() };
        town.desk.call(0, None, start).await.is_some_and(|heard| heard.status == status)
    };
    let trouble = async {
        pause(Duration::from_secs(5)).await;
        room.fill(&program);
        let mut number = 0;
        eventually("a refusal", PATIENCE, || {
            number += 1;
            let asked = answered(503, number);
            async { asked.await.then_some(()) }
        })
        .await;
        // Full for a while, and for everybody.
        pause(Duration::from_secs(4)).await;
        let anyone = program.caller(None);
        anyone.get("/healthz").await.expect(200);
        let ready = anyone.get("/readyz").await.status;
        room.clear(&program);
        eventually("a start when there is room", PATIENCE, || {
            number += 1;
            let asked = answered(201, number);
            async { asked.await.then_some(()) }
        })
        .await;
        eventually("readiness", PATIENCE, || async {
            (anyone.get("/readyz").await.status == 200).then_some(())
        })
        .await;
        pause(Duration::from_secs(4)).await;
        town.over.store(true, Ordering::Release);
        ready
    };
    let ((), ready) = tokio::join!(live(&town, 1), trouble);
    let evidence = evidence(ROOMY, &town, &program).await;
    eprintln!("readyz while full: {ready}; {}", evidence.summary());
    assert_eq!(query(&program, "PRAGMA integrity_check"), [[json!("ok")]]);
    let refused = evidence.calls.iter().filter(|call| call.body(503).is_some()).count();
    assert!(refused > 0, "callers were refused");
    let faults = faults(&evidence);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(!program.log().contains("panicked"), "{}", program.log());
}

//! A disk that runs full under load: calls end with 503 and a time to come back, the process lives, nothing is damaged, and
//! when there is room again it goes on. What was acknowledged, before and after, holds.

mod room;
mod server;

use std::{
    os::unix::fs::symlink,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::json;

use self::room::Room;
use super::{
    RULES,
    callers::Town,
    checker::{Evidence, Rules, faults},
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    survives(&Room::small(folder.path())).await;
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
    symlink(room.folder(), folder.path().join("data")).unwrap();
    Program::in_folder_through(folder, room.through(), &[("RUST_LOG", "info")])
}

async fn survives(room: &Room) {
    let gateways = gateways().await;
    let program = program(room, &configuration(ROOMY, &gateways));
    let town = Town::new(vec![program.shop()], gateways);
    let evidence = full_for_a_while(&town, &program, || room.fill(&program), || room.clear(&program)).await;
    assert_eq!(query(&program, "PRAGMA integrity_check"), [[json!("ok")]]);
    let faults = faults(&evidence);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(!program.log().contains("panicked"), "{}", program.log());
}

/// Callers live through it, and it is seen that they are refused and that the program comes back.
async fn full_for_a_while(
    town: &Arc<Town>,
    program: &Program,
    fill: impl FnOnce(),
    clear: impl FnOnce(),
) -> Evidence {
    let answered = async |status: u16, number: u32| {
        let start = Asked::Start { to: format!("+1415{:07}", 5_550_100 + number), purpose: "login".into() };
        town.desk.call(0, None, start).await.is_some_and(|heard| heard.status == status)
    };
    let trouble = async {
        pause(Duration::from_secs(5)).await;
        fill();
        let mut number = 0;
        eventually("a refusal", PATIENCE, || {
            number += 1;
            let asked = answered(503, number);
            async { asked.await.then_some(()) }
        })
        .await;
        // Full for a while, and for everybody.
        let anyone = program.caller(None);
        eventually("no readiness", PATIENCE, || async {
            (anyone.get("/readyz").await.status == 503).then_some(())
        })
        .await;
        pause(Duration::from_secs(4)).await;
        anyone.get("/healthz").await.expect(200);
        clear();
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
    };
    tokio::join!(live(town, 1), trouble);
    let evidence = evidence(ROOMY, town, program).await;
    eprintln!("{}", evidence.summary());
    let refused = evidence.calls.iter().filter(|call| call.body(503).is_some()).count();
    assert!(refused > 0, "callers were refused");
    evidence
}

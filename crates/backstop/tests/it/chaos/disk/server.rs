//! The same on PostgreSQL, whose own disk is full: the nodes tell their callers, and go on when there is room.

use super::{
    ROOMY,
    room::{Room, loudly},
};
use crate::{
    chaos::{
        callers::Town,
        checker::faults,
        configuration,
        fleet::{Fleet, NODES},
        gateways,
    },
    harness::cluster::Cluster,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_the_server_is_told_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    // A new cluster takes 80 MB and what it logs ahead.
    let room = match Room::disk(folder.path(), "size=220m") {
        Ok(room) => room,
        Err(problem) => {
            return loudly(&format!("PostgreSQL on a full disk, which cannot be made here: {problem}"));
        }
    };
    let data = folder.path().join("cluster");
    let cluster = tokio::task::block_in_place(|| Cluster::start(&["--data", data.to_str().unwrap()]));
    let gateways = gateways().await;
    let fleet = Fleet::on(cluster, &configuration(ROOMY, &gateways)).await;
    let town = Town::new((0..NODES).map(|number| fleet.node(number).shop()).collect(), gateways);
    let node = fleet.node(0);
    let evidence = super::full_for_a_while(&town, node, || room.fill(node), || room.clear(node)).await;
    let found = faults(&evidence).join("\n");
    assert!(found.is_empty(), "{found}\n{}", fleet.words(&found));
}

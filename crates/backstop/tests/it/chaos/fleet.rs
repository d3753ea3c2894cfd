//! Three nodes on one PostgreSQL, each in a folder of its own and behind a proxy of its own; and what is done to them.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{callers::Town, proxy::Proxy};
use crate::harness::{
    Dice, Program, Store, cluster::Cluster, eventually, now, pause, program::BASE, store::psql,
};
use backstop_domain::delivery::LEASE;

pub(super) const NODES: usize = 3;
/// How long everything may take to be well again.
const HEALS: Duration = Duration::from_secs(60);

/// What was done to the nodes.
#[derive(Debug, Default)]
pub(super) struct Blows {
    pub(super) kills: usize,
    pub(super) freezes: usize,
    pub(super) restarts: usize,
    pub(super) terminations: usize,
    pub(super) cuts: usize,
    pub(super) silences: usize,
}

pub(super) struct Fleet {
    pub(super) blows: Blows,
    pub(super) url: String,
    nodes: Vec<(Program, Proxy)>,
    cluster: Cluster,
    /// Until when the last node is frozen, if it is.
    thaws_at: Option<Instant>,
}

impl Fleet {
    /// Starts the nodes on this configuration beside the base.
    pub(super) async fn start(more: &str) -> Self {
        Self::on(tokio::task::block_in_place(|| Cluster::start(&[])), more).await
    }

    /// As [`Fleet::start`], on this server.
    pub(super) async fn on(cluster: Cluster, more: &str) -> Self {
        let url = cluster.database();
        let (before, rest) = url.split_once('@').unwrap();
        let (server, name) = rest.split_once('/').unwrap();
        let mut nodes = Vec::new();
        for _ in 0..NODES {
            let proxy = Proxy::start(server.parse().unwrap()).await;
            let url = format!("{before}@{}/{name}", proxy.address());
            let config = format!("{BASE}\n{more}");
            let program = tokio::task::block_in_place(|| {
                Program::launch_on(Store::Postgres(url), Some(&config), &[("RUST_LOG", "info")])
            });
            nodes.push((program, proxy));
        }
        Self { blows: Blows::default(), url, nodes, cluster, thaws_at: None }
    }

    pub(super) fn node(&self, number: usize) -> &Program {
        &self.nodes[number].0
    }

    /// The way of a node to PostgreSQL.
    pub(super) fn proxy(&self, number: usize) -> &Proxy {
        &self.nodes[number].1
    }

    /// Lets PostgreSQL crash and come back.
    pub(super) fn crash(&self) {
        tokio::task::block_in_place(|| self.cluster.ask("restart"));
    }

    /// Kills a node.
    pub(super) fn kill(&mut self, number: usize) {
        self.blows.kills += 1;
        tokio::task::block_in_place(|| self.nodes[number].0.kill());
    }

    /// Stops a node in its tracks, or lets it go on.
    fn freeze(&self, number: usize, signal: &str) {
        let pid = self.nodes[number].0.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// One blow, by chance; after it everything runs again, or soon will.
    pub(super) async fn suffer(&mut self, dice: &mut Dice, town: &Arc<Town>) {
        self.thaw(false);
        let free = NODES - usize::from(self.thaws_at.is_some());
        let number = usize::try_from(dice.below(free as u64)).unwrap();
        match dice.below(12) {
            0..=4 => {
                self.kill(number);
                pause(dice.within(Duration::from_secs(3))).await;
                self.revive(number, town).await;
            }
            5..=6 => {
                // Longer than PostgreSQL lets a transaction idle, or not.
                self.blows.freezes += 1;
                self.freeze(number, "-STOP");
                pause(dice.within(Duration::from_secs(5))).await;
                self.freeze(number, "-CONT");
            }
            7 => {
                self.blows.restarts += 1;
                self.crash();
            }
            8..=9 => {
                self.blows.terminations += 1;
                let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                           WHERE pid <> pg_backend_pid() AND datname = current_database() AND random() < 0.6";
                tokio::task::block_in_place(|| psql(&self.url, sql));
            }
            10 => {
                self.blows.cuts += 1;
                self.proxy(number).cut();
            }
            _ => {
                self.blows.silences += 1;
                self.proxy(number).hold(true);
                pause(dice.within(Duration::from_secs(8))).await;
                self.proxy(number).hold(false);
            }
        }
    }

    /// Freezes the last node for longer than a lease, while the others suffer and take its work over.
    pub(super) fn freeze_beyond_its_leases(&mut self) {
        self.blows.freezes += 1;
        self.freeze(NODES - 1, "-STOP");
        self.thaws_at = Some(now() + LEASE + Duration::from_secs(4));
    }

    /// Lets the node that was frozen for long go on, when it is time or anyway.
    pub(super) fn thaw(&mut self, anyway: bool) {
        if self.thaws_at.is_some_and(|at| anyway || at <= now()) {
            self.freeze(NODES - 1, "-CONT");
            self.thaws_at = None;
        }
    }

    async fn revive(&mut self, number: usize, town: &Arc<Town>) {
        for _ in 0..5 {
            if tokio::task::block_in_place(|| self.nodes[number].0.try_start()) {
                town.desk.moved(number, self.node(number).shop());
                return;
            }
            pause(Duration::from_secs(1)).await;
        }
        panic!("it did not start:\n{}", self.node(number).log());
    }

    /// Waits until every node is ready.
    pub(super) async fn heal(&self) {
        for (program, _) in &self.nodes {
            eventually("a node that is ready", HEALS, || async {
                (program.caller(None).get("/readyz").await.status == 200).then_some(())
            })
            .await;
        }
    }

    /// What the nodes had to complain about, and whatever they say of these things.
    pub(super) fn words(&self, about: &str) -> String {
        let names: Vec<&str> = about.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let names: Vec<&str> = names.into_iter().filter(|word| word.len() > 30).collect();
        let mut lines: Vec<String> = Vec::new();
        for (number, (program, _)) in self.nodes.iter().enumerate() {
            let log = program.log();
            let told = |line: &&str| line.contains("WARN") || names.iter().any(|name| line.contains(name));
            lines.extend(log.lines().filter(told).map(|line| format!("{line} node {number}")));
        }
        // Each begins with its moment.
        lines.sort();
        lines.join("\n")
    }

    /// How many deliveries were taken over, by what the nodes say.
    pub(super) fn takeovers(&self) -> usize {
        self.nodes.iter().map(|(program, _)| program.log().matches("\"recovered\"").count()).sum()
    }
}

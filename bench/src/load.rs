//! The callers: what each does on its connection, for as long as a phase lasts.
//!
//! At full speed every caller asks again as soon as it heard. At a set pace calls fall due at even moments, whichever
//! caller is free takes the next, and a call that had to wait for a free caller counts from the moment it was due: a
//! server that stalls cannot hide the calls that it kept from being made.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{
    connection::{Connection, field},
    figures::{Latencies, Phase},
    people, processes,
    server::Server,
    vendor::{Coded, Vendor},
};

/// What the callers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// The bare echo.
    Echo,
    /// Start a verification for somebody new.
    Start,
    /// Check codes that have arrived: two wrong ones, then the right one, and the next verification.
    Check,
    /// Start one verification and approve another, in turn.
    Mix,
}

/// The load and what it has done so far.
pub(crate) struct Load {
    /// The nodes; connections are spread over the first [`Load::nodes`] of them.
    pub(crate) servers: Vec<Server>,
    pub(crate) nodes: Cell<usize>,
    pub(crate) vendor: Vendor,
    /// The PostgreSQL beside them.
    database: Option<u32>,
    next_person: Cell<u32>,
    /// When each start left its caller, of the phase that runs.
    left: RefCell<Vec<(u32, Instant)>>,
}

/// How calls are timed.
#[derive(Clone, Copy)]
enum Pace {
    Full,
    Every(Duration),
}

struct Running {
    work: Work,
    pace: Pace,
    begun: Instant,
    until: Instant,
    due: Cell<u32>,
}

impl Load {
    /// Over all `servers`, which share a PostgreSQL of this process id or have none.
    pub(crate) fn new(servers: Vec<Server>, vendor: Vendor, database: Option<u32>) -> Self {
        let nodes = Cell::new(servers.len());
        Self { servers, nodes, vendor, database, next_person: Cell::new(0), left: RefCell::default() }
    }

    /// The last words of every node.
    fn last_words(&self) -> String {
        let tail = |log: &str| {
            let from = log.lines().count().saturating_sub(10);
            log.lines().skip(from).collect::<Vec<_>>().join("\n")
        };
        self.servers.iter().map(|server| tail(&server.log())).collect::<Vec<_>>().join("\n--\n")
    }

    fn processor(&self) -> (Duration, Duration) {
        let nodes = self.servers.iter().map(Server::processor).sum();
        (nodes, self.database.map(processes::family).unwrap_or_default())
    }

    /// Memory that the nodes hold together, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        self.servers.iter().map(Server::resident).sum()
    }

    /// Warnings and errors in the nodes' logs.
    pub(crate) fn complaints(&self) -> usize {
        self.servers.iter().map(Server::complaints).sum()
    }

    /// How many starts have been answered.
    pub(crate) fn started(&self) -> usize {
        self.next_person.get() as usize
    }

    /// As fast as `callers` connections can.
    pub(crate) async fn full(
        self: &Rc<Self>,
        work: Work,
        callers: usize,
        span: Duration,
    ) -> anyhow::Result<Phase> {
        self.run(work, callers, span, Pace::Full).await
    }

    /// At `rate` calls a second.
    pub(crate) async fn paced(
        self: &Rc<Self>,
        work: Work,
        callers: usize,
        span: Duration,
        rate: f64,
    ) -> anyhow::Result<Phase> {
        self.run(work, callers, span, Pace::Every(Duration::from_secs_f64(1.0 / rate.max(1.0)))).await
    }

    /// Waits until the vendor has everything that was started, and a little for its answers to be written down.
    pub(crate) async fn drained(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.vendor.ledger().people.len() < self.started() {
            if begun.elapsed() > Duration::from_secs(120) {
                let had = self.vendor.ledger().people.len();
                bail!("of {} starts only {had} reached the vendor\n{}", self.started(), self.last_words());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(())
    }

    /// From the moment a start left its caller to the first byte at the vendor, since this was last asked.
    pub(crate) fn first_bytes(&self) -> Latencies {
        let left = std::mem::take(&mut *self.left.borrow_mut());
        let left: std::collections::HashMap<u32, Instant> = left.into_iter().collect();
        let mut latencies = Latencies::default();
        for (person, first) in std::mem::take(&mut self.vendor.ledger().arrivals) {
            if let Some(left) = left.get(&person) {
                latencies.push(first.saturating_duration_since(*left));
            }
        }
        latencies
    }

    async fn run(
        self: &Rc<Self>,
        work: Work,
        callers: usize,
        span: Duration,
        pace: Pace,
    ) -> anyhow::Result<Phase> {
        drop(self.first_bytes());
        let mut connections = Vec::with_capacity(callers);
        for caller in 0..callers {
            let server = &self.servers[caller % self.nodes.get()];
            connections.push(Connection::open(server.address()).await?);
        }
        let before = self.processor();
        let begun = Instant::now();
        let running = Rc::new(Running { work, pace, begun, until: begun + span, due: Cell::new(0) });
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|connection| tokio::task::spawn_local(self.clone().call(connection, running.clone())))
            .collect();
        let mut phase = Phase::default();
        for task in tasks {
            phase.latencies.extend(task.await??);
        }
        phase.answers = phase.latencies.len();
        phase.took = begun.elapsed();
        let after = self.processor();
        phase.processor = after.0.saturating_sub(before.0);
        phase.database = after.1.saturating_sub(before.1);
        Ok(phase)
    }

    async fn call(
        self: Rc<Self>,
        mut connection: Connection,
        running: Rc<Running>,
    ) -> anyhow::Result<Latencies> {
        let mut latencies = Latencies::default();
        let mut turn = 0_u32;
        // What this caller checks, and how often it has.
        let mut checking: Option<(Coded, u32)> = None;
        while let Some(from) = running.turn().await {
            match running.work {
                Work::Echo => self.echo(&mut connection).await?,
                Work::Start => self.start(&mut connection).await?,
                Work::Mix if turn.is_multiple_of(2) => self.start(&mut connection).await?,
                Work::Mix => {
                    let coded = self.vendor.ledger().coded.pop();
                    let coded = coded.context("no code is left to check: make the phases longer")?;
                    self.check(&mut connection, &coded, true).await?;
                }
                Work::Check => {
                    let (coded, done) = match checking.take() {
                        Some(checking) => checking,
                        None => match self.vendor.ledger().coded.pop() {
                            Some(coded) => (coded, 0),
                            None => break,
                        },
                    };
                    self.check(&mut connection, &coded, done == 2).await?;
                    checking = (done < 2).then_some((coded, done + 1));
                }
            }
            turn += 1;
            latencies.push(from.elapsed());
        }
        Ok(latencies)
    }

    async fn echo(&self, connection: &mut Connection) -> anyhow::Result<()> {
        let body = r#"{"to":"+919800000000","purpose":"login"}"#;
        let answer = connection.post("/bench/echo", body).await?;
        if answer.status != 200 || answer.body != body {
            bail!("the echo said {} {}: build the server with --features bench", answer.status, answer.body);
        }
        Ok(())
    }

    async fn start(&self, connection: &mut Connection) -> anyhow::Result<()> {
        let person = self.next_person.get();
        self.next_person.set(person + 1);
        let body = format!(r#"{{"to":"{}","purpose":"login"}}"#, people::number(person));
        self.left.borrow_mut().push((person, Instant::now()));
        let answer = connection.post("/v1/verifications", &body).await?;
        if answer.status != 201 || field(answer.body, "status") != Some("pending") {
            bail!("a start said {} {}\n{}", answer.status, answer.body, self.last_words());
        }
        Ok(())
    }

    async fn check(&self, connection: &mut Connection, coded: &Coded, right: bool) -> anyhow::Result<()> {
        let code = if right { coded.code.clone() } else { other_than(&coded.code) };
        let path = format!("/v1/verifications/{}/check", coded.verification);
        let answer = connection.post(&path, &format!(r#"{{"code":"{code}"}}"#)).await?;
        if answer.status != 200 || answer.body.contains(r#""valid":true"#) != right {
            bail!("a check, right: {right}, said {} {}", answer.status, answer.body);
        }
        Ok(())
    }
}

impl Running {
    /// Waits for the next call; gives the moment from which it counts. `None`: the phase is over.
    async fn turn(&self) -> Option<Instant> {
        let now = Instant::now();
        let Pace::Every(step) = self.pace else { return (now < self.until).then_some(now) };
        let due = self.begun + step * self.due.get();
        self.due.set(self.due.get() + 1);
        if due >= self.until {
            return None;
        }
        if due <= now {
            return Some(due);
        }
        // The timer is coarse; how late it wakes a caller is no doing of the server's.
        tokio::time::sleep(due - now).await;
        Some(Instant::now())
    }
}

/// A wrong code of the same form.
fn other_than(code: &str) -> String {
    let (head, last) = code.split_at(code.len() - 1);
    format!("{head}{}", if last == "0" { "1" } else { "0" })
}

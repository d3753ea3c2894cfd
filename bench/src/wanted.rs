//! What the command line asks for.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail, ensure};

use crate::plan::{Store, suite::CALLERS};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Measures starts and checks, durable, with deliveries going to a vendor on loopback; prints a table and writes JSON.

  --server FILE        the program, built with --features bench      target/release/backstop
  --json FILE          where the JSON goes                           nowhere
  --seconds N          for each phase; the echo has half             3
  --rounds N           of everything                                 5
  --connections LIST   64 must be among them                         1,8,64,256
  --stores LIST        sqlite, postgres                              sqlite,postgres
  --old N              old verifications, 0: do not                  10000000
  --nodes N            against one, on PostgreSQL; 1: do not         3
  --quick              --seconds 1 --rounds 1 --connections 64 --old 100000

With nothing said it takes about half an hour, most of it writing the old verifications, and 25 GB of the folder for
temporary files (TMPDIR); without them about ten minutes. Quick: about a minute.
make bench passes BENCH_SECONDS, BENCH_ROUNDS, BENCH_CONNECTIONS, BENCH_STORES, BENCH_OLD, BENCH_NODES and BENCH_QUICK=1 on.
";

/// What is asked for.
pub(crate) struct Wanted {
    pub(crate) server: PathBuf,
    pub(crate) json: Option<PathBuf>,
    pub(crate) phase: Duration,
    pub(crate) rounds: usize,
    pub(crate) connections: Vec<usize>,
    pub(crate) stores: Vec<Store>,
    pub(crate) old: u64,
    pub(crate) nodes: usize,
}

impl Wanted {
    /// Reads the arguments; `None` if help is all that is wanted.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Option<Self>> {
        let mut wanted = Self {
            server: PathBuf::from("target/release/backstop"),
            json: None,
            phase: Duration::from_secs(3),
            rounds: 5,
            connections: vec![1, 8, CALLERS, 256],
            stores: Store::ALL.to_vec(),
            old: 10_000_000,
            nodes: 3,
        };
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--help" => return Ok(None),
                "--quick" => {
                    (wanted.phase, wanted.rounds) = (Duration::from_secs(1), 1);
                    (wanted.connections, wanted.old) = (vec![CALLERS], 100_000);
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--server" => wanted.server = value.into(),
                "--json" => wanted.json = Some(value.into()),
                "--seconds" => wanted.phase = Duration::from_secs(value.parse::<u64>()?.max(1)),
                "--rounds" => wanted.rounds = value.parse::<usize>()?.max(1),
                "--connections" => wanted.connections = list(&value, |item| Ok(item.parse()?))?,
                "--stores" => wanted.stores = list(&value, store)?,
                "--old" => wanted.old = value.parse()?,
                "--nodes" => wanted.nodes = value.parse::<usize>()?.max(1),
                _ => bail!("no such option: {name}; --help names them"),
            }
        }
        ensure!(wanted.connections.contains(&CALLERS), "--connections must hold {CALLERS}");
        Ok(Some(wanted))
    }
}

fn list<T>(value: &str, read: impl Fn(&str) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
    value.split(',').map(read).collect()
}

fn store(name: &str) -> anyhow::Result<Store> {
    Store::ALL
        .into_iter()
        .find(|store| store.name() == name)
        .with_context(|| format!("no such store: {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> anyhow::Result<Option<Wanted>> {
        Wanted::read(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn what_is_said_last_counts() {
        let wanted = read(&["--quick", "--old", "5", "--stores", "postgres"]).unwrap().unwrap();
        assert_eq!((wanted.rounds, wanted.old, wanted.stores), (1, 5, vec![Store::Postgres]));
        assert!(read(&["--help"]).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for bad in [&["--connections", "1,8"][..], &["--stores", "oracle"], &["--rounds"], &["--fast", "1"]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}

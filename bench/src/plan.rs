//! The run: each store by itself, then an empty one against an old one, then one node against three.

pub(crate) mod suite;
pub(crate) mod versus;

use crate::{
    Wanted, disk,
    load::Load,
    old,
    postgres::Cluster,
    server::{Place, Server},
    vendor::Vendor,
};
use suite::Suite;
use versus::{Old, Versus};

/// A store to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

impl Store {
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Everything that was measured.
pub(crate) struct Measured {
    pub(crate) file_system: String,
    pub(crate) syncs: f64,
    pub(crate) suites: Vec<(Store, Suite)>,
    pub(crate) old: Vec<(Store, Old)>,
    pub(crate) nodes: Option<Versus>,
}

/// Measures everything that is wanted.
pub(crate) async fn run(wanted: &Wanted) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir()?;
    let syncs = disk::syncs_per_second(folder.path())?;
    let file_system = disk::file_system(folder.path());
    let mut cluster = match wanted.stores.contains(&Store::Postgres) {
        true => Some(Cluster::start()?),
        false => None,
    };
    let mut measured = Measured { file_system, syncs, suites: Vec::new(), old: Vec::new(), nodes: None };
    for store in &wanted.stores {
        tell(&format!("{}: empty", store.name()));
        let load = load(wanted, *store, &mut cluster, 1)?;
        measured.suites.push((*store, suite::run(wanted, &load).await?));
    }
    for store in wanted.stores.iter().filter(|_| wanted.old > 0) {
        tell(&format!("{}: {} old verifications", store.name(), wanted.old));
        measured.old.push((*store, against_old(wanted, *store, &mut cluster).await?));
    }
    if wanted.nodes > 1 && wanted.stores.contains(&Store::Postgres) {
        tell(&format!("postgres: {} nodes", wanted.nodes));
        let load = load(wanted, Store::Postgres, &mut cluster, wanted.nodes)?;
        measured.nodes = Some(versus::nodes(wanted, &load).await?);
    }
    Ok(measured)
}

#[expect(clippy::print_stderr, reason = "a run of half an hour says where it is")]
fn tell(step: &str) {
    eprintln!("{step}");
}

async fn against_old(wanted: &Wanted, store: Store, cluster: &mut Option<Cluster>) -> anyhow::Result<Old> {
    let empty = load(wanted, store, cluster, 1)?;
    let old = load(wanted, store, cluster, 1)?;
    versus::model(&old).await?;
    let server = &old.servers[0];
    server.stop()?;
    match server.place() {
        Place::Sqlite => old::fill_sqlite(&server.file(), wanted.old)?,
        Place::Postgres(url) => old::fill_postgres(url, wanted.old).await?,
    }
    if let Some(cluster) = cluster {
        cluster.ask("checkpoint")?;
    }
    let listening_after = server.again()?;
    Ok(Old { listening_after, versus: versus::alternate(wanted, [&empty, &old]).await? })
}

/// So many nodes on a new and empty store, and a vendor of their own.
fn load(
    wanted: &Wanted,
    store: Store,
    cluster: &mut Option<Cluster>,
    nodes: usize,
) -> anyhow::Result<std::rc::Rc<Load>> {
    let vendor = Vendor::start()?;
    let place = match (store, cluster.as_mut()) {
        (Store::Postgres, Some(cluster)) => Place::Postgres(cluster.database()?),
        _ => Place::Sqlite,
    };
    let start = |_| Server::start(&wanted.server, vendor.address, &place);
    let servers = (0..nodes).map(start).collect::<anyhow::Result<Vec<_>>>()?;
    let database = cluster.as_ref().filter(|_| store == Store::Postgres).map(|cluster| cluster.id);
    Ok(std::rc::Rc::new(Load::new(servers, vendor, database)))
}

//! The same figures for machines.

use serde_json::{Map, Value, json as object};

use super::{CALLS, Row, VERSED, durable, halves};
use crate::{
    figures::{Latencies, Spread},
    plan::{Measured, suite::Suite, versus::Versus},
    postgres::SETTINGS,
    wanted::Wanted,
};

/// Everything that was measured.
pub(crate) fn json(wanted: &Wanted, measured: &Measured) -> Value {
    let stores = measured.suites.iter().map(|(store, suite)| {
        let mut told = self::suite(wanted, suite);
        told["durable"] = object!(durable(*store));
        (store.name().to_owned(), told)
    });
    let old = measured.old.iter().map(|(store, old)| {
        let mut told = versus(&old.versus);
        told["listening_after_s"] = object!(old.listening_after.as_secs_f64());
        (store.name().to_owned(), told)
    });
    object!({
        "rounds": wanted.rounds,
        "seconds_per_phase": wanted.phase.as_secs(),
        "file_system": measured.file_system,
        "syncs_per_second": measured.syncs,
        "postgres_settings": SETTINGS,
        "stores": stores.collect::<Map<_, _>>(),
        "old_verifications": wanted.old,
        "old": old.collect::<Map<_, _>>(),
        "nodes": wanted.nodes,
        "one_node_and_all": measured.nodes.as_ref().map(versus),
    })
}

fn suite(wanted: &Wanted, suite: &Suite) -> Value {
    let connections = wanted.connections.iter().map(|callers| {
        let calls = CALLS.map(|(name, of)| (name.to_owned(), row(&Row::of(suite, *callers, of))));
        (callers.to_string(), Value::Object(calls.into_iter().collect()))
    });
    let half = halves(suite).map(|(name, rate, all)| {
        let mut told = latencies(all);
        told["per_second"] = object!(rate);
        (name.to_owned(), told)
    });
    object!({
        "connections": connections.collect::<Map<_, _>>(),
        "start + check": row(&Row::mix(suite)),
        "sends_per_second": spread(Spread::of(suite.rounds.iter().map(|round| round.sends))),
        "half_speed": half.into_iter().collect::<Map<_, _>>(),
        "memory_kib": {
            "idle": suite.memory.idle,
            "load": suite.memory.load,
            "after": suite.memory.after,
        },
        "starts": suite.starts,
        "messages_sent_twice": suite.again,
        "log_warnings": suite.complaints,
        "sqlite_bytes": suite.database,
    })
}

fn row(row: &Row) -> Value {
    let mut told = latencies(&row.latencies);
    told["per_second"] = spread(row.rate);
    told["of_echo"] = spread(row.of_echo);
    told["processor_us"] = spread(row.processor);
    told["database_us"] = spread(row.database);
    told
}

fn versus(versus: &Versus) -> Value {
    let calls = VERSED.map(|(name, of)| {
        let told = object!({
            "first_per_second": spread(versus.rates(0, of)),
            "second_per_second": spread(versus.rates(1, of)),
            "ratio": spread(versus.ratios(of)),
        });
        (name.to_owned(), told)
    });
    Value::Object(calls.into_iter().collect())
}

fn latencies(latencies: &Latencies) -> Value {
    object!({ "p50_ms": latencies.milliseconds(0.5), "p99_ms": latencies.milliseconds(0.99) })
}

fn spread(spread: Spread) -> Value {
    object!({ "min": spread.min, "median": spread.median, "max": spread.max })
}

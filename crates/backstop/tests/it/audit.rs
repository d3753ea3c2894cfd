//! The audit log, as an operator uses it and as somebody who can write the database attacks it.

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::harness::{AnyChannel, Program, Store};

/// Where the checkpoints go, beside the database.
const WITNESS: &str = "checkpoints.jsonl";

/// A program with five records: a key made and ended, the ring rotated, a provider off and on.
async fn program() -> (AnyChannel, Program) {
    let gateway = AnyChannel::start().await;
    let witness = format!("[audit]\ncheckpoint_file = \"{WITNESS}\"\n");
    let program = Program::configured(&format!("{witness}{}", gateway.provider("gateway", &["sms"])));
    let made = lines(&program, &["keys", "create", "--application", "shop", "--json"], 0);
    for arguments in [
        vec!["keys", "revoke", made[0]["id"].as_str().unwrap(), "--json"],
        vec!["keys", "rotate", "--json"],
        vec!["providers", "disable", "gateway", "--json"],
        vec!["providers", "enable", "gateway", "--json"],
    ] {
        let output = program.run(&arguments);
        assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {}", err(&output));
    }
    (gateway, program)
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command prints: lines of JSON.
fn lines(program: &Program, arguments: &[&str], code: i32) -> Vec<Value> {
    let output = program.run(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", err(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn verified(program: &Program, code: i32) -> Value {
    lines(program, &["audit", "verify", "--json"], code).remove(0)
}

/// Runs statements on the database from outside. Says whether it took them.
fn change(program: &Program, sql: &str) -> bool {
    let mut command = match program.store() {
        Store::Postgres(url) => {
            let mut command = Command::new("python3");
            let script = "import subprocess, sys\n\
                          found = subprocess.run(['python3', sys.argv[1], '--find'], capture_output=True, text=True)\n\
                          sys.exit(subprocess.run([found.stdout.strip() + '/psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', \
                          '-c', sys.argv[3], sys.argv[2]]).returncode)";
            let servers = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/servers/postgres.py");
            command.args(["-c", script, servers, url]);
            command
        }
        Store::Sqlite => {
            let mut command = Command::new("python3");
            let script = "import sqlite3, sys\n\
                          base = sqlite3.connect(sys.argv[1], timeout=10)\n\
                          base.executescript(sys.argv[2])\n\
                          base.commit()";
            command.args(["-c", script]).arg(program.database());
            command
        }
    };
    command.arg(sql).output().unwrap().status.success()
}

/// Does what the log refuses, as whoever owns the database can.
fn tamper(program: &Program, sql: &str) {
    let lift = if program.store().is_postgres() {
        "ALTER TABLE audit DISABLE TRIGGER USER; ALTER TABLE audit_checkpoints DISABLE TRIGGER USER;"
    } else {
        "DROP TRIGGER IF EXISTS audit_is_not_updated; DROP TRIGGER IF EXISTS audit_is_not_deleted; \
         DROP TRIGGER IF EXISTS audit_checkpoints_are_not_deleted;"
    };
    assert!(change(program, &format!("{lift} {sql}")), "{sql}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_operators_do_is_in_a_log_that_verifies_with_and_without_a_service() {
    let (_gateway, mut program) = program().await;
    let whole = verified(&program, 0);
    assert_eq!(
        (&whole["whole"], &whole["records"]),
        (&json!(true), &json!(6)),
        "the first operator's link is one of them"
    );
    let tail = lines(&program, &["audit", "tail", "-n", "3", "--json"], 0);
    let seen: Vec<_> =
        tail.iter().map(|row| (&row["seq"], &row["body"]["kind"], &row["body"]["method"])).collect();
    let (off, on) = (json!("disabled"), json!("enabled"));
    let (rotated, switched) = (json!("key.rotated"), json!("provider.switched"));
    assert_eq!(
        seen,
        [(&json!(4), &rotated, &Value::Null), (&json!(5), &switched, &off), (&json!(6), &switched, &on)]
    );
    assert!(tail.iter().all(|row| row["body"]["actor"] == "command_line" && row["body"]["result"] == "done"));
    let text = program.run(&["audit", "tail"]);
    assert_eq!(String::from_utf8(text.stdout).unwrap().lines().count(), 6, "one line each");

    assert!(program.stop());
    assert_eq!(fs::read_to_string(program.folder().join(WITNESS)).unwrap().lines().count(), 1);
    let whole = verified(&program, 0);
    assert_eq!(
        (&whole["records"], &whole["checkpoints"]),
        (&json!(6), &json!(2)),
        "in the store and outside"
    );
    let exported = lines(&program, &["audit", "export"], 0);
    let records: Vec<_> = exported.iter().filter_map(|line| line["record"]["seq"].as_u64()).collect();
    assert_eq!(records, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(exported[6]["checkpoint"]["hash"], exported[5]["record"]["hash"], "behind what it signs");
    assert_eq!(exported[7]["record"]["body"]["kind"], "audit.exported");
    assert_eq!(verified(&program, 0)["records"], 7);
    program.start();
    assert_eq!(verified(&program, 0)["records"], 8, "still no operator: another link");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_record_is_refused_and_where_it_is_forced_verify_names_it() {
    let (_gateway, mut program) = program().await;
    for refused in ["UPDATE audit SET body = '{}' WHERE seq = 2;", "DELETE FROM audit WHERE seq = 5;"] {
        assert!(!change(&program, refused), "{refused}");
    }
    verified(&program, 0);
    tamper(&program, "UPDATE audit SET body = replace(body, 'revoked', 'created') WHERE seq = 3;");
    for _ in 0..2 {
        let broken = verified(&program, 1);
        assert_eq!((&broken["whole"], &broken["broken"]["seq"]), (&json!(false), &json!(3)));
        let said = program.run(&["audit", "verify"]);
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(said.contains("record 3 was altered"), "{said}");
        program.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_cut_off_with_all_that_the_database_knew_of_it_meets_the_file_outside() {
    let (_gateway, mut program) = program().await;
    assert!(program.stop());
    tamper(
        &program,
        "DELETE FROM audit WHERE seq > 3; DELETE FROM audit_checkpoints; \
         UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3);",
    );
    let broken = verified(&program, 1);
    assert_eq!(broken["broken"]["seq"], 4);
    fs::rename(program.folder().join(WITNESS), program.folder().join("elsewhere")).unwrap();
    assert_eq!(verified(&program, 0)["records"], 3, "without the file nothing tells");
}

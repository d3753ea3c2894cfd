//! The program on PostgreSQL, as an operator meets it.

use std::thread;

use serde_json::json;

use super::{ALL, ASHA, AnyChannel, Program, bare, err, exit, out, start, told};
use crate::harness::{Store, eventually, program::BASE, store::ROOT};

/// The URL of a new, empty database.
fn database() -> String {
    Store::postgres().url().unwrap().to_owned()
}

/// What is between the name and the host of a URL.
fn password(url: &str) -> &str {
    url.split([':', '@']).nth(2).unwrap()
}

fn node(url: &str, more: &str) -> Program {
    let config = format!("{BASE}\n{more}");
    Program::launch_on(Store::Postgres(url.to_owned()), Some(&config), &[])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_started_on_one_node_is_good_on_another_and_survives_the_first() {
    let url = database();
    let gateway = AnyChannel::start().await;
    let vendor = gateway.provider("gateway", &ALL);
    let (mut one, two) = (node(&url, &vendor), node(&url, &vendor));
    let id = start(&one.shop(), ASHA).await;
    let code = gateway.code(&id).await;
    one.kill();
    assert_eq!(two.shop().check(&id, &code).await.expect(200)["valid"], true);
    assert_eq!(two.shop().check(&id, &code).await.expect(200)["valid"], false, "once");
    eventually("the other node is ready", std::time::Duration::from_secs(10), || async {
        (two.caller(None).get("/readyz").await.status == 200).then_some(())
    })
    .await;
    for text in [one.log(), two.log()] {
        assert!(!text.contains(password(&url)), "a log holds the password");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_with_different_root_keys_on_an_empty_database_one_is_refused() {
    let url = database();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let outputs = thread::scope(|scope| {
        let run = |(folder, digit): (&tempfile::TempDir, &str)| {
            std::fs::write(folder.path().join("backstop.toml"), BASE).unwrap();
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_backstop"));
            command.arg("doctor").current_dir(folder.path()).env_clear();
            command.env("BACKSTOP_STORE__URL", &url).env("BACKSTOP_STORE__ROOT_KEY", digit.repeat(64));
            scope.spawn(move || command.output().unwrap())
        };
        let running = folders.iter().zip(["1", "2"]).map(run).collect::<Vec<_>>();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let refused: Vec<_> =
        outputs.iter().filter(|output| err(output).contains("belongs to another root key")).collect();
    assert_eq!(refused.len(), 1, "{} {}", err(&outputs[0]), err(&outputs[1]));
    assert_eq!(exit(refused[0]), 2);
}

#[test]
fn a_node_without_a_root_key_makes_none_and_says_where_one_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let config = BASE.replace("sqlite://data/backstop.db", &database());
    std::fs::write(folder.path().join("backstop.toml"), config).unwrap();
    let output = bare(folder.path(), &["serve"]);
    assert_eq!(exit(&output), 2);
    assert!(
        err(&output).contains("backstop init") && err(&output).contains("every node"),
        "{}",
        err(&output)
    );
    assert!(!folder.path().join("data/root.key").exists());
}

#[test]
fn a_database_is_migrated_by_command_where_a_start_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let url = database();
    let config = BASE.replace("sqlite://data/backstop.db\"", &format!("{url}\"\nmigrate = false"));
    let config = config.replace("root_key_file = \"data/root.key\"", &format!("root_key = \"{ROOT}\""));
    std::fs::write(folder.path().join("backstop.toml"), config).unwrap();
    let early = bare(folder.path(), &["serve"]);
    assert_eq!(exit(&early), 2);
    assert!(err(&early).contains("backstop migrate"), "{}", err(&early));
    let done = bare(folder.path(), &["migrate"]);
    assert!(exit(&done) == 0 && out(&done).contains("made with schema"), "{} {}", out(&done), err(&done));
    let doctor = bare(folder.path(), &["doctor"]);
    assert!(
        out(&doctor).contains("PostgreSQL 1") && out(&doctor).contains(" ms, schema"),
        "{}",
        out(&doctor)
    );
    for output in [early, done, doctor] {
        assert!(!format!("{}{}", out(&output), err(&output)).contains(password(&url)));
    }
}

#[test]
fn copies_are_left_to_postgresql_and_what_was_pending_in_one_is_canceled() {
    let folder = tempfile::tempdir().unwrap();
    let url = database();
    let config = BASE.replace("sqlite://data/backstop.db", &url);
    let config = config.replace("root_key_file = \"data/root.key\"", &format!("root_key = \"{ROOT}\""));
    let config = config.replace("[server]", "profile = \"development\"\n[server]");
    std::fs::write(folder.path().join("backstop.toml"), config).unwrap();
    for (arguments, program) in [(["backup", "copy"], "pg_dump"), (["restore", "copy"], "pg_restore")] {
        let output = bare(folder.path(), &arguments);
        assert_eq!(exit(&output), 2);
        assert!(err(&output).contains(program) && err(&output).contains("fix:"), "{}", err(&output));
        assert!(!err(&output).contains(password(&url)));
    }
    assert_eq!(exit(&bare(folder.path(), &["send", ASHA])), 0);
    let canceled = bare(folder.path(), &["restore", "--cancel-pending", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&out(&canceled)).unwrap();
    assert_eq!((exit(&canceled), &told["canceled"], &told["bytes"]), (0, &json!(1), &json!(null)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_is_moved_from_sqlite_without_losing_a_pending_code() {
    let url = database();
    let gateway = AnyChannel::start().await;
    let vendor = gateway.provider("gateway", &ALL);
    let mut program = Program::launch_on(
        Store::Sqlite,
        Some(&format!("{BASE}\n{vendor}")),
        &[("BACKSTOP_STORE__ROOT_KEY", ROOT)],
    );
    let (pending, approved) =
        (start(&program.shop(), ASHA).await, start(&program.shop(), "+14155550124").await);
    let code = gateway.code(&pending).await;
    assert_eq!(
        program.shop().check(&approved, &gateway.code(&approved).await).await.expect(200)["valid"],
        true
    );
    let made = told(&program, &["keys", "create", "--application", "shop"], 0);
    let arguments = ["migrate", "--from", "sqlite://data/backstop.db", "--to", &url];
    let early = program.run(&arguments);
    assert!(exit(&early) == 2 && err(&early).contains("stop the service"), "{}", err(&early));
    assert!(program.stop());

    let mut strange = program.command(&arguments);
    let strange = strange.env("BACKSTOP_STORE__ROOT_KEY", "1".repeat(64)).output().unwrap();
    assert!(exit(&strange) == 2 && err(&strange).contains("another root key"), "{}", err(&strange));
    let moved = told(&program, &arguments, 0);
    let rows = |name: &str| {
        let tables = moved["tables"].as_array().unwrap();
        tables.iter().find(|table| table["name"] == name).unwrap()["rows"].as_u64().unwrap()
    };
    assert_eq!((rows("verifications"), rows("api_keys")), (2, 1), "{moved:#}");
    let again = program.run(&arguments);
    assert!(exit(&again) == 2 && err(&again).contains("holds an installation"), "{}", err(&again));
    for output in [early, strange, again] {
        assert!(!format!("{}{}", out(&output), err(&output)).contains(password(&url)));
    }

    let new = node(&url, &vendor);
    assert_eq!(new.shop().check(&pending, &code).await.expect(200)["valid"], true);
    assert_eq!(new.shop().read(&approved).await["status"], "approved");
    new.caller(Some(made["key"].as_str().unwrap())).get("/v1/verifications").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_switched_by_command_holds_on_every_node() {
    let url = database();
    let (one, other) = (AnyChannel::start().await, AnyChannel::start().await);
    let vendors = [one.provider("one", &ALL), other.provider("two", &ALL)].concat();
    let nodes = [node(&url, &vendors), node(&url, &vendors)];
    assert_eq!(told(&nodes[0], &["providers", "disable", "one"], 0)["unserved"], json!([]));
    for (at, node) in nodes.iter().enumerate() {
        eventually("the node follows", std::time::Duration::from_secs(5), || async {
            let health = node.caller(None).get("/health/messaging").await;
            (health.body["sms"][0]["status"] == "off").then_some(())
        })
        .await;
        let id = start(&node.shop(), &format!("+1415555020{at}")).await;
        other.code(&id).await;
    }
    assert!(one.received().is_empty());
    let table = told(&nodes[1], &["providers"], 0);
    assert_eq!((&table["providers"][0]["switched_off"], &table["live"]), (&json!(true), &json!(false)));
    assert_eq!(told(&nodes[1], &["stats"], 0)["channels"][0]["accepted"], 2);
    assert_eq!(exit(&nodes[1].run(&["providers", "enable", "three"])), 2);

    other.answer(401, "no");
    start(&nodes[0].shop(), "+14155550210").await;
    eventually("the command hears of the breaker", std::time::Duration::from_secs(10), || async {
        let table = nodes[1].run(&["providers", "--json"]);
        let table: serde_json::Value = serde_json::from_str(&out(&table)).unwrap();
        (table["providers"][1]["breaker"] == "open").then_some(())
    })
    .await;
}

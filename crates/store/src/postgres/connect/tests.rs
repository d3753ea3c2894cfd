//! Against a real server with a certificate for localhost.

use std::{
    io::{self, BufRead, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
};

use super::*;

/// One server for these tests; it ends when this process closes its input.
struct Server {
    _child: Child,
    /// `postgres://backstop:...@127.0.0.1:PORT/backstop`
    url: String,
    ca: String,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/servers/postgres.py");
        let mut child = Command::new("python3")
            .args([script, "--tls", "--set", "synchronous_commit=off"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value =
            serde_json::from_str(&line).expect("PostgreSQL runs: scripts/install-test-tools");
        let text = |key: &str| told[key].as_str().unwrap().to_owned();
        Server { url: text("url"), ca: text("ca"), _child: child }
    })
}

/// What a connection to `url` says about itself, or why there is none.
fn ask(url: &str, question: &str) -> Result<String, String> {
    let settings = PostgresSettings::parse(url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = connect(&settings).await.map_err(|error| error.to_string())?;
        Ok(client.query_one(question, &[]).await.unwrap().get(0))
    })
}

fn encrypted(url: &str) -> Result<String, String> {
    ask(url, "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
}

fn with(parameters: &str) -> String {
    format!("{}?{parameters}", server().url)
}

/// An address that leads to the server at `port`.
fn passed_on_from(address: &str, port: &str) -> String {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let there = format!("127.0.0.1:{port}");
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = TcpStream::connect(&there).unwrap();
            for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                thread::spawn(move || io::copy(&mut from, &mut to));
            }
        }
    });
    address
}

#[test]
fn each_ssl_mode_gets_the_connection_that_it_promises() {
    let ca = &server().ca;
    assert_eq!(encrypted(&with("sslmode=disable")).unwrap(), "false");
    for mode in ["prefer", "require"] {
        assert_eq!(encrypted(&with(&format!("sslmode={mode}"))).unwrap(), "true", "{mode}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        assert_eq!(encrypted(&with(&format!("sslmode={mode}&sslrootcert={ca}"))).unwrap(), "true", "{mode}");
    }
}

#[test]
fn a_server_of_another_authority_is_refused() {
    for mode in ["verify-ca", "verify-full"] {
        let problem = encrypted(&with(&format!("sslmode={mode}"))).unwrap_err();
        assert!(problem.contains("UnknownIssuer"), "{mode}: {problem}");
    }
}

#[test]
fn a_certificate_for_another_name_is_refused_where_the_name_counts() {
    // The certificate is for localhost and 127.0.0.1.
    let port = server().url.split([':', '/']).nth(5).unwrap();
    let elsewhere = server().url.replace(&format!("127.0.0.1:{port}"), &passed_on_from("127.0.0.2:0", port));
    let with = |mode: &str| format!("{elsewhere}?sslmode={mode}&sslrootcert={}", server().ca);
    let problem = encrypted(&with("verify-full")).unwrap_err();
    assert!(problem.contains("not valid for"), "{problem}");
    assert_eq!(encrypted(&with("verify-ca")).unwrap(), "true");
}

#[test]
fn what_a_session_relies_on_does_not_depend_on_the_servers_defaults() {
    let setting = |name: &str| ask(&with(""), &format!("SELECT current_setting('{name}')")).unwrap();
    assert_eq!(setting("synchronous_commit"), "on", "the server's default is off");
    assert_eq!(setting("default_transaction_isolation"), "read committed");
    assert_eq!(setting("application_name"), "backstop");
    for (name, value) in
        [("statement_timeout", "10s"), ("lock_timeout", "4s"), ("idle_in_transaction_session_timeout", "2s")]
    {
        assert_eq!(setting(name), value, "{name}");
    }
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let password = server().url.split([':', '@']).nth(2).unwrap().to_owned();
    let problem = ask(&server().url.replace(&password, "wr0ng-one"), "SELECT ''").unwrap_err();
    assert!(problem.contains("password authentication failed"), "{problem}");
    assert!(!problem.contains("wr0ng-one") && !problem.contains(&password), "{problem}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let problem = ask("postgres://u:s3cret@127.0.0.1:1/d", "SELECT ''").unwrap_err();
    assert!(problem.contains("postgres://u@127.0.0.1:1/d") && problem.contains("refused"), "{problem}");
    assert!(!problem.contains("s3cret"), "{problem}");
}

#[test]
fn a_server_that_takes_the_connection_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let problem =
        ask(&format!("postgres://u@127.0.0.1:{port}/d?connect_timeout=1"), "SELECT ''").unwrap_err();
    assert!(problem.contains("no answer in 2 s"), "{problem}");
}

#[test]
fn a_database_that_takes_no_writes_is_refused() {
    let settings = PostgresSettings::parse(&server().url).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = connect(&settings).await.unwrap();
        client.batch_execute("CREATE DATABASE still").await.unwrap();
        client.batch_execute("ALTER DATABASE still SET default_transaction_read_only = on").await.unwrap();
    });
    let problem = ask(&format!("{}?dbname=still", server().url), "SELECT ''").unwrap_err();
    assert!(problem.contains("takes no writes"), "{problem}");
}

#[test]
fn a_server_that_is_too_old_or_not_in_utf8_is_refused() {
    let problem = suits("140012", "14.12", "UTF8").unwrap_err();
    assert!(problem.contains("PostgreSQL 14.12") && problem.contains("15 or newer"), "{problem}");
    assert!(suits("160003", "16.3", "SQL_ASCII").unwrap_err().contains("UTF8 is needed"));
    assert_eq!(suits("150000", "15.0", "UTF8"), Ok(()));
}

#[test]
fn of_several_hosts_the_one_that_answers_is_taken() {
    let url = server().url.replace("@127.0.0.1", "@127.0.0.1:1,127.0.0.1");
    assert_eq!(ask(&url, "SELECT 'here'").unwrap(), "here");
}

#[test]
fn a_server_says_whether_a_crash_loses_what_it_committed() {
    let settings = PostgresSettings::parse(&server().url).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(settings.is_durable()).unwrap());
}

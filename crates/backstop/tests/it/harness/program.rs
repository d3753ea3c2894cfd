//! The program as a process of its own, in a folder of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::store::{ROOT, Store};

/// A running program. Killed when dropped.
pub(crate) struct Program {
    folder: TempDir,
    store: Store,
    /// What `serve` is started through, with its arguments; nothing, if by itself.
    through: Vec<String>,
    child: Option<Child>,
    address: SocketAddr,
    environment: Vec<(String, String)>,
}

impl Program {
    /// Starts with nothing configured, on a free port.
    pub(crate) fn development() -> Self {
        Self::launch(None, &[])
    }

    /// Starts on a configuration. `listen`, the store and the application `shop` (key `sk_shop_0123456789abcdef`,
    /// publishable `pk_shop_0123456789abcdef`, origin `https://shop.example`) are there already; the text adds to them.
    pub(crate) fn configured(more: &str) -> Self {
        Self::launch(Some(&format!("{BASE}\n{more}")), &[])
    }

    /// As [`Program::configured`], reachable for vendors: its port was free a moment ago, stays its own over restarts, and is
    /// in `server.public_url`.
    pub(crate) fn reachable(more: &str) -> Self {
        Self::reachable_with(more, &[])
    }

    /// As [`Program::reachable`], with environment variables.
    pub(crate) fn reachable_with(more: &str, environment: &[(&str, &str)]) -> Self {
        let listen = free_address().to_string();
        let public_url = format!("http://{listen}");
        let mut all =
            vec![("BACKSTOP_SERVER__LISTEN", listen.as_str()), ("BACKSTOP_SERVER__PUBLIC_URL", &public_url)];
        all.extend_from_slice(environment);
        Self::launch(Some(&format!("{BASE}\n{more}")), &all)
    }

    /// Starts on a whole configuration text of the test's own, or on none, with environment variables.
    pub(crate) fn launch(config: Option<&str>, environment: &[(&str, &str)]) -> Self {
        Self::launch_on(Store::chosen(), config, environment)
    }

    /// As [`Program::launch`], on a store of the test's own choice.
    pub(crate) fn launch_on(store: Store, config: Option<&str>, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(config) = config {
            write_private(&folder.path().join("backstop.toml"), config);
        }
        let mut environment: Vec<_> =
            environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        if let Some(url) = store.url() {
            fs::create_dir(folder.path().join("data")).unwrap();
            write_private(&folder.path().join("data/root.key"), ROOT);
            environment.push(("BACKSTOP_STORE__URL".to_owned(), url.to_owned()));
        }
        let address = "127.0.0.1:1".parse().unwrap();
        let mut program = Self { folder, store, through: Vec::new(), child: None, address, environment };
        program.start();
        program
    }

    /// Starts in a folder that holds what it needs, SQLite's file among it.
    pub(crate) fn in_folder(folder: TempDir) -> Self {
        Self::in_folder_through(folder, &[], &[])
    }

    /// As [`Program::in_folder`], through another program that becomes this one, and with environment variables.
    pub(crate) fn in_folder_through(folder: TempDir, through: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut program = Self {
            folder,
            store: Store::Sqlite,
            through: through.iter().map(|&word| word.to_owned()).collect(),
            child: None,
            address: "127.0.0.1:1".parse().unwrap(),
            environment: environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        program.start();
        program
    }

    /// Starts (again) in the same folder. Panics with the log if it does not come up.
    pub(crate) fn start(&mut self) {
        assert!(self.try_start(), "it did not start:\n{}", self.log());
    }

    /// As [`Program::start`], for when its database may be away. Says whether it came up.
    pub(crate) fn try_start(&mut self) -> bool {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
        let mut child = self
            .command_through(&self.through, &["serve"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let from = line.find("127.0.0.1:")?;
            let text: String =
                line[from..].chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
            text.parse().ok()
        });
        std::thread::spawn(move || lines.for_each(drop));
        self.child = Some(child);
        if let Some(address) = address {
            self.address = address;
        } else {
            self.kill();
        }
        address.is_some()
    }

    /// A command of the program in the same folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_through(&[], arguments)
    }

    fn command_through(&self, through: &[String], arguments: &[&str]) -> Command {
        let mut words = through.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_backstop")]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("BACKSTOP_SERVER__LISTEN", "127.0.0.1:0").env("RUST_LOG", "trace,hyper=info,h2=info");
        command.envs(self.environment.iter().map(|(k, v)| (k, v)));
        command
    }

    /// Runs a command of the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// SIGKILL: no time for anything.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM, and waits for the end. Says whether it ended well.
    pub(crate) fn stop(&mut self) -> bool {
        let Some(mut child) = self.child.take() else { return true };
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        child.wait().unwrap().success()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// SQLite's file.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("data/backstop.db")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Everything it wrote to stderr, over all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A caller with the development key.
    pub(crate) fn developer(&self) -> Caller {
        Caller::new(self.address, Some("sk_dev"))
    }

    /// A caller with the secret key of `shop`.
    pub(crate) fn shop(&self) -> Caller {
        Caller::new(self.address, Some("sk_shop_0123456789abcdef"))
    }

    /// A caller with `key`, or none.
    pub(crate) fn caller(&self, key: Option<&str>) -> Caller {
        Caller::new(self.address, key)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<_> = log.lines().rev().take(40).collect();
            eprintln!(
                "--- the program's last words ---\n{}",
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        }
    }
}

/// An address where nobody listens now. Below the ports that the system gives out by itself, and another one for each caller.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let from = u16::try_from(std::process::id() % 9_000).unwrap();
    loop {
        let port = 12_000 + (from + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap();
        }
    }
}

/// Writes a file that its owner alone can read.
pub(crate) fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// What every configured program has.
pub(crate) const BASE: &str = r#"
[server]
listen = "127.0.0.1:0"

[store]
url = "sqlite://data/backstop.db"
root_key_file = "data/root.key"

[countries]
allow = ["IN", "US"]

[[application]]
name = "shop"
secret_key = "sk_shop_0123456789abcdef"
publishable_key = "pk_shop_0123456789abcdef"
origins = ["https://shop.example"]
public_purposes = ["registration", "login"]
"#;

/// Somebody who calls the API.
#[derive(Clone)]
pub(crate) struct Caller {
    address: SocketAddr,
    key: Option<String>,
    headers: HeaderMap,
    client: reqwest::Client,
}

/// An answer: status, headers, body.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body, if the status is this one.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// Fails unless it is a problem of this status and code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), &self.body["code"]), (status, &json!(code)), "{:#}", self.body);
    }

    /// A text field of the body.
    pub(crate) fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field} in {:#}", self.body)).to_owned()
    }
}

impl Caller {
    fn new(address: SocketAddr, key: Option<&str>) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address, key: key.map(str::to_owned), headers: HeaderMap::new(), client }
    }

    /// The same caller with one more header.
    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.insert(name, value.parse().unwrap());
        caller
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.try_send(method, path, body).await.unwrap()
    }

    /// As [`Caller::send`], for when the program may die meanwhile.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        let mut request = self
            .client
            .request(method, format!("http://{}{path}", self.address))
            .headers(self.headers.clone());
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        Ok(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn start(&self, body: Value) -> Answer {
        self.post("/v1/verifications", body).await
    }

    pub(crate) async fn check(&self, id: &str, code: &str) -> Answer {
        self.post(&format!("/v1/verifications/{id}/check"), json!({ "code": code })).await
    }

    pub(crate) async fn read(&self, id: &str) -> Value {
        self.get(&format!("/v1/verifications/{id}")).await.expect(200)
    }
}

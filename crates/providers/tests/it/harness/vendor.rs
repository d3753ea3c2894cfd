//! A vendor on loopback that takes requests down and behaves as it is told.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What a vendor does with every request.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// Answers with these bytes, then closes.
    Answers(String),
    /// Answers the first request with the first, and so on; the last one answers all that follow.
    AnswersInTurn(Vec<String>),
    /// Takes the connection and the request and never answers.
    Hangs,
    /// Takes the request and cuts the connection.
    Cuts,
    /// Answers with this status line and a body without end.
    NeverEnds(&'static str),
    /// Answers with this status line and header, then a body that stalls.
    Stalls(&'static str),
    /// Answers with this status line, promises a body and cuts the connection.
    CutsTheBody(&'static str),
}

/// A running vendor; stops when it is dropped.
pub(crate) struct Vendor {
    pub(crate) base: String,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Vendor {
    pub(crate) async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let serving = spawn(serve(listener, does, Arc::clone(&taken)));
        Self { base, taken, serving }
    }

    /// What arrived, a text for each request, with this vendor's own address replaced.
    pub(crate) fn requests(&self) -> Vec<String> {
        let host = self.base.trim_start_matches("http://");
        self.taken.lock().iter().map(|raw| String::from_utf8_lossy(raw).replace(host, "VENDOR")).collect()
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[expect(clippy::disallowed_methods, reason = "a server of the test, outside the program")]
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(task)
}

#[expect(clippy::disallowed_methods, reason = "a server of the test, outside the program")]
pub(crate) async fn forever() {
    tokio::time::sleep(Duration::from_secs(3600)).await;
}

/// An answer with this status, these further headers and this body.
pub(crate) fn answer(status: u16, headers: &[(String, String)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("HTTP/1.1 {status} Said\r\n{headers}{length}Connection: close\r\n\r\n{body}")
}

async fn serve(listener: TcpListener, does: Does, taken: Arc<Mutex<Vec<Vec<u8>>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (does, taken) = (does.clone(), Arc::clone(&taken));
        spawn(async move {
            // A client that hangs up in the middle is what some tests are about.
            let _ = converse(stream, does, &taken).await;
        });
    }
}

async fn converse(mut stream: TcpStream, does: Does, taken: &Mutex<Vec<Vec<u8>>>) -> std::io::Result<()> {
    let Some(request) = read_request(&mut stream).await? else { return Ok(()) };
    let number = {
        let mut taken = taken.lock();
        taken.push(request);
        taken.len()
    };
    match does {
        Does::AnswersInTurn(answers) => {
            let answer = answers.get(number - 1).or(answers.last()).unwrap();
            stream.write_all(answer.as_bytes()).await?;
        }
        Does::Answers(answer) => stream.write_all(answer.as_bytes()).await?,
        Does::Hangs => forever().await,
        Does::Cuts => stream.set_zero_linger()?,
        Does::NeverEnds(status) => {
            stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await?;
            loop {
                stream.write_all(&[b'x'; 4096]).await?;
            }
        }
        Does::Stalls(status) => {
            stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 50\r\n\r\n{{").as_bytes()).await?;
            forever().await;
        }
        Does::CutsTheBody(status) => {
            stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 50\r\n\r\n{{").as_bytes()).await?;
        }
    }
    stream.shutdown().await
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            return Ok(Some(bytes));
        }
    }
}

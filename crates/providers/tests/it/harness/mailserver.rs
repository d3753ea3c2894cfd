//! A mail server on loopback with a script of one reply for each stage: for the fixtures. What a real one does is tested
//! with a real one.

use std::collections::BTreeMap;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::vendor::spawn;

/// Replies by stage: greeting, auth, mail, rcpt, data, content. `cut` cuts the connection; `endless` never ends a line.
pub(crate) type Script = BTreeMap<String, String>;

/// A running server; stops when it is dropped.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    serving: tokio::task::JoinHandle<()>,
}

impl MailServer {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = script.clone();
                spawn(async move {
                    // Cut connections are what some scripts are about.
                    let _ = converse(stream, &script).await;
                });
            }
        });
        Self { port, serving }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Says a line; `false` if the script cuts the connection here.
async fn say(
    stream: &mut BufReader<TcpStream>,
    script: &Script,
    stage: &str,
    usual: &str,
) -> std::io::Result<bool> {
    match script.get(stage).map_or(usual, String::as_str) {
        "cut" => Ok(false),
        "endless" => loop {
            stream.write_all(&[b'2'; 4096]).await?;
        },
        line => stream.write_all(format!("{line}\r\n").as_bytes()).await.map(|()| true),
    }
}

async fn converse(stream: TcpStream, script: &Script) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    if !say(&mut stream, script, "greeting", "220 mx.test ESMTP").await? {
        return Ok(());
    }
    let mut line = String::new();
    while {
        line.clear();
        stream.read_line(&mut line).await?
    } > 0
    {
        let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let went_on = match verb.as_str() {
            "EHLO" => {
                let auth = if script.get("auth").is_some_and(|reply| reply == "none") {
                    ""
                } else {
                    "250-AUTH PLAIN LOGIN\r\n"
                };
                stream.write_all(format!("250-mx.test\r\n{auth}250 8BITMIME\r\n").as_bytes()).await?;
                true
            }
            "AUTH" => say(&mut stream, script, "auth", "235 2.7.0 Authentication successful").await?,
            "MAIL" => say(&mut stream, script, "mail", "250 2.1.0 Ok").await?,
            "RCPT" => say(&mut stream, script, "rcpt", "250 2.1.5 Ok").await?,
            "DATA" => {
                let ready = say(&mut stream, script, "data", "354 End data with <CR><LF>.<CR><LF>").await?;
                while ready && line != ".\r\n" {
                    line.clear();
                    stream.read_line(&mut line).await?;
                }
                ready && say(&mut stream, script, "content", "250 2.0.0 Ok: queued as A1").await?
            }
            "QUIT" => return stream.write_all(b"221 2.0.0 Bye\r\n").await,
            _ => say(&mut stream, script, "other", "250 2.0.0 Ok").await?,
        };
        if !went_on {
            return Ok(());
        }
    }
    Ok(())
}

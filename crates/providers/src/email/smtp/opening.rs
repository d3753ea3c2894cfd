//! From nothing to a connection that may carry mail: TCP, TLS, EHLO, AUTH.
//!
//! STARTTLS is spoken here and not by the mail library, which keeps what it read before TLS and would take a reply
//! that somebody slipped in behind the server's for the server's own.

use std::{io, time::Duration};

use lettre::transport::smtp::{authentication::Mechanism, client::AsyncSmtpConnection};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    connection::{Connection, cause_of, step},
    reply::Reply,
    target::{Security, Target},
    verdict::{Cause, Failure, Stage},
    wire::{FinalDot, Transport, Wire},
};
use crate::client::CONNECT_TIMEOUT;

/// The most that a server may say before TLS.
const PLAIN_MAX: usize = 8 * 1024;
/// Stands for the greeting that was read before TLS.
const GREETED: &[u8] = b"220 greeted\r\n";

/// Opens a connection that may carry mail.
pub(super) async fn open(target: &Target, deadline: Instant) -> Result<Connection, Failure> {
    let final_dot = FinalDot::default();
    let soon = deadline.min(Instant::now() + CONNECT_TIMEOUT);
    let tcp = at(Stage::Connect, soon, TcpStream::connect((target.host.as_str(), target.port))).await?;
    // Without it only slower.
    let _ = tcp.set_nodelay(true);
    let (transport, first): (_, &'static [u8]) = match target.security {
        Security::None => (Transport::Plain(tcp), b""),
        Security::Implicit => (Transport::Tls(Box::new(handshake(target, tcp, deadline).await?)), b""),
        Security::Starttls => {
            let tcp = start_tls(target, tcp, deadline).await?;
            (Transport::Tls(Box::new(handshake(target, tcp, deadline).await?)), GREETED)
        }
    };
    let wire = Box::new(Wire::new(transport, first, final_dot.clone()));
    let hello = AsyncSmtpConnection::connect_with_transport(wire, &target.hello);
    let mut smtp = step(Stage::Hello, deadline, hello).await?;
    if let Some(credentials) = &target.credentials {
        const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
        if smtp.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
            return Err(Failure { stage: Stage::Auth, cause: Cause::NoMechanism });
        }
        step(Stage::Auth, deadline, smtp.auth(&MECHANISMS, credentials)).await?;
    }
    Ok(Connection::new(smtp, final_dot, target.security, target.credentials.is_some()))
}

async fn handshake(
    target: &Target,
    tcp: TcpStream,
    deadline: Instant,
) -> Result<TlsStream<TcpStream>, Failure> {
    let soon = deadline.min(Instant::now() + CONNECT_TIMEOUT);
    let connector = TlsConnector::from(target.tls.clone());
    at(Stage::Tls, soon, connector.connect(target.server_name.clone(), tcp)).await
}

/// The dialogue before TLS: greeting, EHLO, STARTTLS.
async fn start_tls(target: &Target, mut tcp: TcpStream, deadline: Instant) -> Result<TcpStream, Failure> {
    expect(&mut tcp, Stage::Hello, deadline, None).await?;
    let hello = format!("EHLO {}\r\n", target.hello);
    let offered = expect(&mut tcp, Stage::Hello, deadline, Some(&hello)).await?;
    if !offered.lines().any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(Failure { stage: Stage::Tls, cause: Cause::NoTls });
    }
    expect(&mut tcp, Stage::Tls, deadline, Some("STARTTLS\r\n")).await?;
    Ok(tcp)
}

/// Says `command`, if there is one, and reads a positive reply: its text, a line each.
async fn expect(
    tcp: &mut TcpStream,
    stage: Stage,
    deadline: Instant,
    command: Option<&str>,
) -> Result<String, Failure> {
    let dialogue = async {
        if let Some(command) = command {
            tcp.write_all(command.as_bytes()).await?;
        }
        read_reply(tcp).await
    };
    let Reply { code, text } = at(stage, deadline, dialogue).await?;
    if (200..300).contains(&code) {
        return Ok(text);
    }
    let text = text.replace('\n', " ");
    Err(Failure { stage, cause: Cause::Refused(Reply { code, text }) })
}

/// Reads one reply and not a byte more; a byte more is not the server's.
async fn read_reply(tcp: &mut TcpStream) -> io::Result<Reply> {
    let bad = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let read = tcp.read(&mut chunk).await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        bytes.extend_from_slice(&chunk[..read]);
        if let Some((reply, rest)) = parse(&bytes).ok_or_else(|| bad("not a reply of an SMTP server"))? {
            return if rest == 0 { Ok(reply) } else { Err(bad("more than one reply before TLS")) };
        }
        if bytes.len() > PLAIN_MAX {
            return Err(bad("an endless reply"));
        }
    }
}

/// A whole reply and how many bytes follow it; `None` if this is no reply, `Some(None)` if it is not whole yet.
fn parse(bytes: &[u8]) -> Option<Option<(Reply, usize)>> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = std::str::from_utf8(&rest[..end]).ok()?.trim_end_matches('\r');
        rest = &rest[end + 1..];
        let code: u16 = line.get(..3)?.parse().ok()?;
        lines.push(line.get(4..).unwrap_or_default());
        match line.as_bytes().get(3) {
            Some(b'-') => {}
            Some(b' ') | None if (200..600).contains(&code) => {
                return Some(Some((Reply { code, text: lines.join("\n") }, rest.len())));
            }
            _ => return None,
        }
    }
    Some(None)
}

/// Runs one act of the network at a stage.
async fn at<T>(
    stage: Stage,
    deadline: Instant,
    act: impl Future<Output = io::Result<T>>,
) -> Result<T, Failure> {
    let cause = match timeout_at(deadline, act).await {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => cause_of(&error),
        Err(_) => Cause::TimedOut,
    };
    Err(Failure { stage, cause })
}

/// How long a check of a kept connection may take.
pub(super) const PROBE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_whole_at_its_last_line_and_what_follows_is_seen() {
        let read = |text: &str| parse(text.as_bytes());
        assert_eq!(read("250-mx\r\n250-STARTTLS\r\n"), Some(None));
        let reply = Reply { code: 250, text: "mx\nSTARTTLS".to_owned() };
        assert_eq!(read("250-mx\r\n250 STARTTLS\r\n"), Some(Some((reply, 0))));
        let reply = Reply { code: 220, text: "go ahead".to_owned() };
        assert_eq!(read("220 go ahead\r\n250 injected\r\n"), Some(Some((reply, 14))));
        assert_eq!(read("HTTP/1.1 400 Bad Request\r\n"), None);
        assert_eq!(read("99\r\n"), None);
    }
}

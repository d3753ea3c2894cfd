//! One keep-alive connection of a caller: HTTP/1.1 by hand, because the load must cost less than what it measures.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// An answer as it stands in the buffer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a str,
}

/// A connection and its buffers.
pub(crate) struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server).await.context("the server takes no connection")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, out: Vec::with_capacity(512), buffer: Vec::with_capacity(4096) })
    }

    /// Posts a body with the key and reads the whole answer.
    pub(crate) async fn post(&mut self, path: &str, body: &str) -> anyhow::Result<Answer<'_>> {
        self.out.clear();
        for part in [
            "POST ",
            path,
            " HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ",
            crate::server::KEY,
            "\r\ncontent-type: application/json\r\ncontent-length: ",
            &body.len().to_string(),
            "\r\n\r\n",
            body,
        ] {
            self.out.extend_from_slice(part.as_bytes());
        }
        self.stream.write_all(&self.out).await?;
        self.buffer.clear();
        let (head, length) = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed a connection in the middle");
            }
            if let Some(head) = end_of_head(&self.buffer) {
                break (head, content_length(&self.buffer[..head])?);
            }
        };
        while self.buffer.len() < head + length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed a connection in the middle");
            }
        }
        let status = std::str::from_utf8(&self.buffer[9..12])?.parse()?;
        Ok(Answer { status, body: std::str::from_utf8(&self.buffer[head..head + length])? })
    }
}

/// Where the body begins, once the head is whole.
pub(crate) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// How long the body is; every side here says so.
pub(crate) fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?;
    let value = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    Ok(value.context("no Content-Length")?.parse()?)
}

/// The text of a field of a flat, compact JSON body, where no value needs escaping.
pub(crate) fn field<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    loop {
        let at = from + body[from..].find(name)?;
        let rest = &body[at + name.len()..];
        if body[..at].ends_with('"')
            && let Some(rest) = rest.strip_prefix("\":\"")
        {
            return rest.split('"').next();
        }
        from = at + name.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name_only() {
        let body = r#"{"attempt_id":"att_1","data":{"code":"482913","to":"+14155550123"},"id":"ver_2"}"#;
        assert_eq!(field(body, "id"), Some("ver_2"));
        assert_eq!(field(body, "code"), Some("482913"));
        assert_eq!(field(body, "nothing"), None);
    }

    #[test]
    fn a_body_is_as_long_as_its_head_says() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n";
        assert_eq!(end_of_head(head), Some(head.len()));
        assert_eq!(content_length(head).unwrap(), 12);
        assert!(content_length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}

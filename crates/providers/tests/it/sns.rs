//! SNS as an AWS emulator takes it: the code is read back from what the emulator keeps.

use std::time::Duration;

use backstop_domain::outcome::Outcome;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{self, python::Server};

async fn kept(port: u16) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let ask = "GET /moto-api/data.json HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn an_emulated_aws_takes_the_message_and_holds_the_code() {
    let server = Server::start("sns.py", &[]);
    let base = format!("http://127.0.0.1:{}", server.port);
    let provider = harness::provider("aws-sns", &base, Duration::from_secs(10));
    let sent = provider.send(&harness::sms()).await;
    let Outcome::Accepted { vendor_id: Some(id) } = &sent.outcome else { panic!("{sent:?}") };
    let data = kept(server.port).await;
    let message = &data["sns"]["SMS"][0];
    assert_eq!(message["phone_number"], harness::PHONE);
    assert_eq!(message["message"], harness::TEXT);
    assert_eq!(message["message_id"], id.as_str());
    harness::assert_clean(&format!("{sent:?}"), "the answer");
}

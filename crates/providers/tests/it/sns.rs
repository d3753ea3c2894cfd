//! SNS as an AWS emulator takes it: the code is read back from what the emulator keeps.

use std::time::Duration;

use backstop_domain::{outcome::Outcome, ports::provider::Errand};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{
    self,
    python::Server,
    vendor::{Does, Vendor, answer},
};

/// What the emulator keeps.
pub(crate) async fn kept(port: u16) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let ask = "GET /moto-api/data.json HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn an_emulated_aws_takes_the_message_and_holds_the_code() {
    let server = Server::start("aws.py", &[]);
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

#[tokio::test]
async fn an_emulated_aws_holds_the_spend_limit_that_an_operator_set() {
    let server = Server::start("aws.py", &[]);
    let base = format!("http://127.0.0.1:{}", server.port);
    let provider = harness::provider("aws-sns", &base, Duration::from_secs(10));
    let done = provider.errand(&Errand::SetSpendLimit(500)).await.unwrap();
    assert!(done.well && done.finding == "the monthly limit is 500 USD", "{done:?}");
    assert!(provider.errand(&Errand::VerifySender("ACME".to_owned())).await.is_none());
}

#[tokio::test]
async fn a_spend_limit_that_was_not_set_is_said_so() {
    let refused = |code: &str| {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>")
    };
    let now = |limit: &str| {
        format!(
            "<GetSMSAttributesResponse><GetSMSAttributesResult><attributes><entry><key>MonthlySpendLimit</key>\
             <value>{limit}</value></entry></attributes></GetSMSAttributesResult></GetSMSAttributesResponse>"
        )
    };
    let set = "<SetSMSAttributesResponse/>".to_owned();
    for (first, second, well, finding) in [
        ((200, set.clone()), (200, now("500")), true, "is 500 USD"),
        ((200, set.clone()), (200, now("1")), false, "is 1 USD still"),
        ((200, set.clone()), (403, refused("AuthorizationError")), true, "may not be asked"),
        ((400, refused("InvalidParameter")), (200, now("1")), false, "InvalidParameter"),
        ((502, "<html>".to_owned()), (502, "<html>".to_owned()), false, "502"),
    ] {
        let answers = [first, second].map(|(status, body)| answer(status, &[], &body)).to_vec();
        let vendor = Vendor::start(Does::AnswersInTurn(answers)).await;
        let provider = harness::provider("aws-sns", &vendor.base, Duration::from_secs(10));
        let told = provider.errand(&Errand::SetSpendLimit(500)).await.unwrap();
        assert!(told.well == well && told.finding.contains(finding), "{told:?}");
    }
}

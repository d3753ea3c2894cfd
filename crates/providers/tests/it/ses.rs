//! SES as an AWS emulator takes it, and the topic over which it tells what became of a mail.

use std::{sync::Arc, time::Duration};

use aws_smithy_types::{DateTime, date_time::Format};
use backstop_domain::{
    clock::{ManualClock, Timestamp},
    outcome::{Outcome, Reason},
    ports::{
        Provider,
        provider::{CallbackRefused, Errand},
    },
    receipt::{About, ReceiptState, VendorEvent},
};
use backstop_providers::registry::{Shared, build};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{rand::SystemRandom, signature};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    harness::{
        self,
        python::Server,
        vendor::{Does, Vendor, answer},
    },
    receipts::{callback, certificate},
    sns::kept,
    vendors::aws_ses::TOPIC,
};

fn provider(base: &str) -> Arc<dyn Provider> {
    harness::provider("aws-ses", base, Duration::from_secs(10))
}

#[tokio::test]
async fn an_emulated_aws_refuses_an_unverified_sender_then_takes_the_mail_and_holds_the_code() {
    let server = Server::start("aws.py", &[]);
    let provider = provider(&format!("http://127.0.0.1:{}", server.port));
    let mail = harness::mail(harness::EMAIL);
    let sent = provider.send(&mail).await;
    assert!(harness::is(&sent.outcome, Reason::Misconfigured), "{sent:?}");
    let begun = provider.errand(&Errand::VerifySender("login@acme.example".to_owned())).await.unwrap();
    assert!(begun.well, "{begun:?}");
    let sent = provider.send(&mail).await;
    let Outcome::Accepted { vendor_id: Some(id) } = &sent.outcome else { panic!("{sent:?}") };
    let data = kept(server.port).await;
    let messages = data["ses"]["Message"].as_array().unwrap();
    assert_eq!(messages.len(), 1, "what was refused is not kept: {messages:?}");
    let message = &messages[0];
    assert_eq!(message["id"], id.as_str());
    assert_eq!(message["destinations"]["ToAddresses"], json!([harness::EMAIL]));
    assert_eq!(message["subject"], "Your Acme code");
    // Of two parts the emulator keeps the page.
    assert_eq!(message["body"], harness::HTML);
    harness::assert_clean(&format!("{sent:?}"), "the answer");
}

/// A message of the topic, signed with the key of the test's certificate.
fn signed(base: &str, kind: &str, more: &Value) -> Vec<u8> {
    let mut envelope = json!({
        "Type": kind, "MessageId": "m-1", "TopicArn": TOPIC, "Message": "You have chosen to subscribe.",
        "Timestamp": "2026-01-01T00:00:00.000Z", "SignatureVersion": "2",
        "SigningCertURL": format!("{base}/SimpleNotificationService-0123.pem"),
    });
    for (name, value) in more.as_object().unwrap() {
        envelope[name] = value.clone();
    }
    let names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
    let text: String = names
        .iter()
        .filter_map(|name| envelope[name].as_str().map(|value| format!("{name}\n{value}\n")))
        .collect();
    let der = PrivatePkcs8KeyDer::from_pem_slice(certificate("topic.key").as_bytes()).unwrap();
    let key = signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    envelope["Signature"] = json!(STANDARD.encode(signature));
    envelope.to_string().into_bytes()
}

fn confirmation(base: &str) -> Vec<u8> {
    let url = format!("{base}/?Action=ConfirmSubscription&Token=t-1");
    signed(base, "SubscriptionConfirmation", &json!({ "SubscribeURL": url, "Token": "t-1" }))
}

fn first_lines(vendor: &Vendor) -> Vec<String> {
    vendor.requests().iter().map(|request| request.lines().next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_subscription_is_confirmed_after_its_signature_was_verified() {
    let pem = answer(200, &[], &certificate("topic.pem"));
    let vendor = Vendor::start(Does::AnswersInTurn(vec![pem, answer(200, &[], "<ok/>")])).await;
    let provider = provider(&vendor.base);
    let post = callback("POST", "", &[], &confirmation(&vendor.base));
    let heard = provider.receiver().unwrap().receive(&post).await.unwrap();
    assert!(heard.events.is_empty() && heard.reply.status == 200, "{heard:?}");
    assert_eq!(
        first_lines(&vendor),
        [
            "GET /SimpleNotificationService-0123.pem HTTP/1.1",
            "GET /?Action=ConfirmSubscription&Token=t-1 HTTP/1.1"
        ]
    );
}

#[tokio::test]
async fn a_confirmation_that_is_refused_is_asked_for_again() {
    let pem = answer(200, &[], &certificate("topic.pem"));
    let vendor = Vendor::start(Does::AnswersInTurn(vec![pem, answer(403, &[], "no")])).await;
    let provider = provider(&vendor.base);
    let post = callback("POST", "", &[], &confirmation(&vendor.base));
    let refused = provider.receiver().unwrap().receive(&post).await.unwrap_err();
    assert!(matches!(refused, CallbackRefused::NotNow(_)), "{refused:?}");
}

#[tokio::test]
async fn nothing_is_fetched_for_a_topic_that_nobody_configured() {
    let vendor = Vendor::start(Does::Answers(answer(200, &[], &certificate("topic.pem")))).await;
    let provider = provider(&vendor.base);
    let url = format!("{}/?Action=ConfirmSubscription&Token=t-1", vendor.base);
    let others = json!({
        "TopicArn": "arn:aws:sns:ap-south-1:999999999999:codes", "SubscribeURL": url, "Token": "t-1",
    });
    let post = callback("POST", "", &[], &signed(&vendor.base, "SubscriptionConfirmation", &others));
    let refused = provider.receiver().unwrap().receive(&post).await.unwrap_err();
    assert!(matches!(refused, CallbackRefused::Forged(_)), "{refused:?}");
    assert!(vendor.requests().is_empty());
}

#[tokio::test]
async fn a_forged_confirmation_makes_nobody_confirm() {
    let vendor = Vendor::start(Does::Answers(answer(200, &[], &certificate("topic.pem")))).await;
    let provider = provider(&vendor.base);
    let text = String::from_utf8(confirmation(&vendor.base)).unwrap().replace("Token=t-1", "Token=t-2");
    let post = callback("POST", "", &[], text.as_bytes());
    let refused = provider.receiver().unwrap().receive(&post).await.unwrap_err();
    assert!(matches!(refused, CallbackRefused::Forged(_)), "{refused:?}");
    assert_eq!(first_lines(&vendor), ["GET /SimpleNotificationService-0123.pem HTTP/1.1"]);
}

#[tokio::test]
async fn a_certificate_is_fetched_once_for_many_receipts() {
    let vendor = Vendor::start(Does::Answers(answer(200, &[], &certificate("topic.pem")))).await;
    let provider = provider(&vendor.base);
    let receiver = provider.receiver().unwrap();
    let post = callback("POST", "", &[], &signed(&vendor.base, "Notification", &json!({})));
    for _ in 0..3 {
        receiver.receive(&post).await.unwrap();
    }
    assert_eq!(vendor.requests().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_does_not_come_now_is_asked_for_again_later() {
    for does in [Does::Answers(answer(500, &[], "no")), Does::Cuts] {
        let vendor = Vendor::start(does).await;
        let provider = provider(&vendor.base);
        let post = callback("POST", "", &[], &signed(&vendor.base, "Notification", &json!({})));
        let refused = provider.receiver().unwrap().receive(&post).await.unwrap_err();
        assert!(matches!(refused, CallbackRefused::NotNow(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn an_emulators_certificate_counts_on_this_machine_alone() {
    let settings = harness::settings("aws-ses", "https://vendor.example");
    let provider = harness::try_build("aws-ses", settings).unwrap();
    let body = signed("https://vendor.example", "Notification", &json!({}));
    let refused = provider.receiver().unwrap().receive(&callback("POST", "", &[], &body)).await.unwrap_err();
    assert!(matches!(refused, CallbackRefused::Forged(_)), "{refused:?}");
}

#[test]
fn without_a_topic_nothing_is_heard() {
    let mut settings = harness::settings("aws-ses", "https://vendor.example");
    settings["topic_arn"] = Value::Null;
    assert!(harness::try_build("aws-ses", settings).unwrap().receiver().is_none());
}

#[test]
fn events_of_a_configuration_set_give_our_name_back_and_an_identitys_own_do_not() {
    for (set, by_id) in [(json!("codes"), false), (Value::Null, true)] {
        let mut settings = harness::settings("aws-ses", "https://vendor.example");
        settings["configuration_set"] = set;
        let provider = harness::try_build("aws-ses", settings).unwrap();
        assert_eq!(provider.receiver().unwrap().finds_by_vendor_id(), by_id);
    }
}

#[tokio::test]
async fn an_operator_is_told_what_verifying_a_sender_needs() {
    let tokens = json!({
        "IdentityType": "DOMAIN", "VerifiedForSendingStatus": false,
        "DkimAttributes": { "Tokens": ["abc", "def"] },
    });
    let there = json!({ "__type": "AlreadyExistsException", "message": "it exists" });
    let not_allowed = json!({ "__type": "AccessDeniedException", "message": "no" });
    let mail = json!({ "IdentityType": "EMAIL_ADDRESS", "VerifiedForSendingStatus": false });
    let done = json!({ "IdentityType": "DOMAIN", "VerifiedForSendingStatus": true });
    for (begun, now, well, finding) in [
        ((200, &tokens), (200, &tokens), true, "abc._domainkey.acme.example CNAME abc.dkim.amazonses.com"),
        ((200, &mail), (200, &mail), true, "a mail with a link"),
        ((400, &there), (200, &done), true, "verified already"),
        ((200, &tokens), (403, &not_allowed), true, "def._domainkey.acme.example"),
        ((403, &not_allowed), (403, &not_allowed), false, "AccessDenied"),
    ] {
        let answers = [begun, now].map(|(status, body)| answer(status, &[], &body.to_string())).to_vec();
        let vendor = Vendor::start(Does::AnswersInTurn(answers)).await;
        let errand = Errand::VerifySender("acme.example".to_owned());
        let told = provider(&vendor.base).errand(&errand).await.unwrap();
        assert!(told.well == well && told.finding.contains(finding), "{told:?}");
        assert_eq!(
            first_lines(&vendor),
            ["POST /v2/email/identities HTTP/1.1", "GET /v2/email/identities/acme.example HTTP/1.1"]
        );
    }
}

/// One request to the emulator, which reads the service from the name of the signature and checks no more of it.
async fn ask(port: u16, method: &str, path: &str, form: &[(&str, &str)]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AK/20260101/ap-south-1/sns/aws4_request, SignedHeaders=host, Signature=x\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn what_an_emulated_topic_signs_is_believed_and_no_other_byte() {
    let server = Server::start("aws.py", &[]);
    let ours = Vendor::start(Does::Answers(answer(200, &[], ""))).await;
    let version = ("Version", "2010-03-31");
    ask(server.port, "POST", "/", &[("Action", "CreateTopic"), version, ("Name", "codes")]).await;
    let subscribe = [
        ("Action", "Subscribe"),
        version,
        ("TopicArn", TOPIC),
        ("Protocol", "http"),
        ("Endpoint", ours.base.as_str()),
    ];
    ask(server.port, "POST", "/", &subscribe).await;
    let record = json!({
        "eventType": "Delivery",
        "mail": { "messageId": "m-1", "tags": { "backstop": [harness::reference().to_string()] } },
    });
    let publish = [("Action", "Publish"), version, ("TopicArn", TOPIC), ("Message", &record.to_string())];
    let published = ask(server.port, "POST", "/", &publish).await;
    let posts = ours.requests();
    let post = posts.last().unwrap_or_else(|| panic!("nothing was posted: {published}"));
    let mut envelope: Value = serde_json::from_str(post.split_once("\r\n\r\n").unwrap().1).unwrap();

    // The emulator serves its certificate to who signs alone, so it is served from beside it.
    let url = envelope["SigningCertURL"].as_str().unwrap();
    let file = url.rsplit_once('/').unwrap().1.to_owned();
    let pem = ask(server.port, "GET", &format!("/{file}"), &[]).await;
    let beside = Vendor::start(Does::Answers(answer(200, &[], &pem))).await;
    envelope["SigningCertURL"] = json!(format!("{}/{file}", beside.base));

    let said = DateTime::from_str(envelope["Timestamp"].as_str().unwrap(), Format::DateTime).unwrap();
    let at = Timestamp::from_millis(said.to_millis().unwrap());
    let shared = Shared { clock: Arc::new(ManualClock::at(at)), ..harness::shared() };
    let settings = harness::settings("aws-ses", &beside.base);
    let provider = build(&harness::config("aws-ses", settings), &shared).unwrap();
    let receive = async |envelope: &Value| {
        let post = callback("POST", "", &[], envelope.to_string().as_bytes());
        provider.receiver().unwrap().receive(&post).await
    };
    let heard = receive(&envelope).await.unwrap();
    let VendorEvent::Receipt(receipt) = &heard.events[0] else { panic!("{heard:?}") };
    assert_eq!(
        (&receipt.about, receipt.state),
        (&About::Reference(harness::reference()), ReceiptState::Delivered)
    );
    envelope["MessageId"] = json!("another");
    assert!(matches!(receive(&envelope).await, Err(CallbackRefused::Forged(_))));
}

//! Callbacks from whoever likes to send some: each gets its status, and nothing changes.

use super::*;
use crate::harness::Callback;

/// Nothing has changed, and nothing was sent.
async fn untouched(stage: &Stage, first: &Twilio, id: &str) {
    pause(QUIET).await;
    let read = stage.shop.read(id).await;
    assert_eq!(story_of(&read), ["first accepted accepted"]);
    assert_eq!((&read["status"], &read["delivery"]), (&json!("pending"), &json!("sent")));
    assert_eq!((first.received().len(), stage.second.received().len()), (1, 0));
}

#[tokio::test]
async fn what_the_vendor_did_not_sign_is_refused_and_changes_nothing() {
    let (stage, first, id) = taken().await;
    let message = first.message(1).await;
    for said in ["undelivered 30003", "delivered", "failed"] {
        let receipt = message.receipt(said);
        let refused = [
            receipt.unsigned(),
            receipt.forged(""),
            receipt.forged("AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            receipt.forged("\u{e9}"),
        ];
        for callback in refused {
            let (status, body) = callback.post().await;
            assert_eq!(status, 403, "{body}");
            assert!(body.contains("callback_refused"), "{body}");
        }
    }
    untouched(&stage, &first, &id).await;
    let log = stage.program.log();
    assert!(log.contains("a callback was refused"), "the operator can see it");
    stage.approves(&id, &message.code()).await;
}

#[tokio::test]
async fn a_signature_is_good_for_its_own_address_and_form_alone() {
    let (stage, first, id) = taken().await;
    let receipt = first.message(1).await.receipt("sent");
    let signature: &'static str = receipt.signature().leak();
    for other in [receipt.with("MessageStatus", "undelivered"), receipt.at(&format!("{}&x=1", receipt.url()))]
    {
        assert_eq!(other.forged(signature).post().await.0, 403);
    }
    assert_eq!(receipt.forged(signature).post().await.0, 200);
    untouched(&stage, &first, &id).await;
}

#[tokio::test]
async fn an_address_that_was_given_to_nobody_is_not_there() {
    let (stage, first, id) = taken().await;
    let receipt = first.message(1).await.receipt("undelivered 30003");
    let url = receipt.url().to_owned();
    let secret = url.split('/').nth(5).unwrap().split('?').next().unwrap().to_owned();
    for wrong in [
        url.replace(&secret, "AAAAAAAAAAAAAAAAAAAAAA"),
        url.replace(&secret, &secret[1..]),
        url.replace("/receipts/first/", "/receipts/second/"),
        url.replace("/receipts/first/", "/receipts/nobody/"),
        url.replace("/receipts/first/", "/receipts/%00/"),
        url.replace(&format!("/{secret}"), &format!("/{secret}/more")),
    ] {
        let (status, body) = receipt.at(&wrong).post().await;
        assert_eq!(status, 404, "{wrong}: {body}");
    }
    untouched(&stage, &first, &id).await;
}

#[tokio::test]
async fn a_vendor_speaks_for_its_own_messages_alone() {
    let (stage, first, id) = taken().await;
    let to_person = first.message(1).await.receipt("undelivered 30003");
    first.behave(Behaviour::error(503, 20503));
    let other = stage.start(NEXT_PERSON).await;
    stage.told(&other, &["first rejected unavailable", TOOK_OVER]).await;
    // Signed, to the second one's own address, and about what the first one has.
    let reference = to_person.url().split_once('?').unwrap().1.to_owned();
    let at_second = stage.second.message(1).await.receipt("undelivered 30003");
    let address = at_second.url().split_once('?').unwrap().0.to_owned();
    to_person.at(&format!("{address}?{reference}")).taken().await;
    pause(QUIET).await;
    assert_eq!(story_of(&stage.shop.read(&id).await), ["first accepted accepted"]);
    assert_eq!(stage.second.received().len(), 1);
}

#[tokio::test]
async fn receipts_for_messages_that_nobody_sent_are_taken_and_mean_nothing() {
    let (stage, first, id) = taken().await;
    let receipt = first.message(1).await.receipt("undelivered 30003");
    let (address, reference) = receipt.url().split_once("?attempt=").unwrap();
    let parts: Vec<&str> = reference.split('-').collect();
    let [application, verification, attempt] = parts[..] else { panic!("{reference}") };
    for unknown in [
        format!("{address}?attempt=7777-{verification}-{attempt}"),
        format!("{address}?attempt={application}-{attempt}-{verification}"),
        format!("{address}?attempt={application}-{verification}-{verification}"),
        format!("{address}?attempt=-1-{verification}-{attempt}"),
        format!("{address}?attempt="),
        format!("{address}?attempt={}", "9".repeat(5_000)),
        address.to_owned(),
    ] {
        receipt.at(&unknown).taken().await;
    }
    for (field, value) in [("MessageStatus", "flown"), ("MessageStatus", ""), ("ErrorCode", "-1")] {
        let odd = receipt.with("MessageStatus", "sent").with(field, value);
        odd.taken().await;
    }
    untouched(&stage, &first, &id).await;
}

#[tokio::test]
async fn an_enormous_or_unreadable_callback_is_refused() {
    let (stage, first, id) = taken().await;
    let receipt = first.message(1).await.receipt("undelivered 30003");
    let (status, told) = receipt.with("Padding", &"x".repeat(1_100_000)).post().await;
    assert!(status == 413 && told.contains("body_too_large"), "a problem document: {status} {told}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for method in [reqwest::Method::PUT, reqwest::Method::DELETE] {
        let answer = client.request(method, receipt.url()).send().await.unwrap();
        assert_eq!(answer.status(), 405);
    }
    let answer = client.post(receipt.url()).body(vec![0xff; 2_000]).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    untouched(&stage, &first, &id).await;
}

#[tokio::test]
async fn a_receipt_for_what_is_over_starts_nothing_again() {
    let (stage, first, id) = taken().await;
    stage.approves(&id, &first.message(1).await.code()).await;
    let canceled = stage.start(NEXT_PERSON).await;
    stage.told(&canceled, &["first accepted accepted"]).await;
    stage.shop.post(&format!("/v1/verifications/{canceled}/cancel"), json!({})).await.expect(200);
    for number in [1, 2] {
        first.message(number).await.receipt("undelivered 30003").taken().await;
    }
    pause(QUIET).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (2, 0));
    assert_eq!(stage.shop.read(&id).await["status"], "approved");
    let read = stage.shop.read(&canceled).await;
    assert_eq!(read["status"], "canceled");
    for number in [1, 2] {
        first.message(number).await.receipt("delivered").taken().await;
    }
    assert_eq!(stage.shop.read(&canceled).await["status"], "canceled");
    assert_eq!(stage.shop.check(&canceled, &first.message(2).await.code()).await.expect(200)["valid"], false);
}

#[tokio::test]
async fn whoever_posts_without_knowing_anything_hears_as_little_as_possible() {
    let stage = taken().await.0;
    let url = stage.program.url("/receipts/first");
    let (status, body) = Callback::to(&url, &[("MessageStatus", "delivered")]).unsigned().post().await;
    assert_eq!(status, 403);
    assert!(!body.contains("signature"), "why is for the log: {body}");
}

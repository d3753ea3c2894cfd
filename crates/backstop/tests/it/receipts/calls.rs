//! Calls: the vendor fetches what to say, and the code is for whoever pressed a key.

use super::*;
use crate::harness::Callback;

/// A call to the person that the vendor took.
async fn called() -> (Program, Twilio, String) {
    let vendor = Twilio::start(Behaviour::Accept).await;
    let program = Program::reachable(&vendor.caller("calls"));
    let id = program.shop().start(json!({ "to": PERSON, "channel": "voice" })).await.text("id");
    vendor.message(1).await;
    (program, vendor, id)
}

/// What the vendor asks when somebody answers, or has pressed a key.
fn asks(vendor: &Twilio, digits: Option<&str>) -> Callback {
    let call = vendor.received().remove(0);
    let mut form = vec![
        ("CallSid", call.sid.as_str()),
        ("CallStatus", "in-progress"),
        ("To", PERSON),
        ("Direction", "outbound-api"),
    ];
    form.extend(digits.map(|digits| ("Digits", digits)));
    Callback::to(&call.form["Url"], &form)
}

/// The characters that a script says one by one.
fn spelled(script: &str) -> String {
    let mut said =
        script.split("<Say").skip(1).filter_map(|piece| piece.split('>').nth(1)?.split('<').next());
    let all: String = said.by_ref().filter(|text| text.chars().count() == 1).collect();
    all
}

#[tokio::test]
async fn a_call_tells_the_code_twice_to_whoever_pressed_a_key() {
    let (program, vendor, id) = called().await;
    let form = &vendor.message(1).await.form;
    assert!(form["Url"].contains("/voice/") && !form.contains_key("Body"), "{form:?}");
    let (status, first) = asks(&vendor, None).post().await;
    assert_eq!(status, 200);
    assert!(
        first.contains("<Gather") && spelled(&first).is_empty(),
        "a voicemail box hears nothing: {first}"
    );
    let (status, told) = asks(&vendor, Some("1")).post().await;
    assert_eq!(status, 200, "{told}");
    let said = spelled(&told);
    assert_eq!(said.len(), 12, "six digits, twice: {told}");
    assert_eq!(said[..6], said[6..]);
    assert_eq!(program.shop().read(&id).await["status"], "pending", "a call approves nothing");
    assert_eq!(program.shop().check(&id, &said[..6]).await.expect(200)["valid"], true);
}

#[tokio::test]
async fn a_script_is_told_to_its_vendor_alone_and_only_while_its_code_lives() {
    let (program, vendor, id) = called().await;
    let right = asks(&vendor, Some("1"));
    assert_eq!(right.unsigned().post().await.0, 403);
    assert_eq!(right.forged("AAAAAAAAAAAAAAAAAAAAAAAAAAA=").post().await.0, 403);
    let url = right.url();
    let (reference, secret) = url.rsplit_once('.').unwrap();
    let changed = if secret.starts_with('A') { "B" } else { "A" };
    for wrong in [
        format!("{reference}.{changed}{}", &secret[1..]),
        format!("{reference}."),
        reference.to_owned(),
        format!("{url}A"),
        url.replace("/voice/", "/voice/x"),
        program.url("/voice/%00"),
    ] {
        let (status, body) = right.at(&wrong).post().await;
        assert_eq!(status, 404, "{wrong}: {body}");
        assert!(spelled(&body).is_empty());
    }
    let code = spelled(&right.post().await.1)[..6].to_owned();
    program.shop().check(&id, &code).await.expect(200);
    let (status, body) = right.post().await;
    assert_eq!((status, spelled(&body)), (404, String::new()), "it is used");
}

#[tokio::test]
async fn a_call_that_nobody_took_goes_another_way() {
    let (vendor, texts) = (Twilio::start(Behaviour::Accept).await, Twilio::start(Behaviour::Accept).await);
    let order = "[channels]\norder = [\"voice\", \"sms\"]\n";
    let program =
        Program::reachable(&format!("{}{}{order}", vendor.caller("calls"), texts.provider("texts")));
    let shop = program.shop();
    let id = shop.start(json!({ "to": PERSON })).await.text("id");
    let call = vendor.message(1).await;
    call.receipt("ringing").taken().await;
    call.receipt("no-answer").taken().await;
    let code = texts.message(1).await.code();
    let read = shop.read(&id).await;
    assert_eq!(story_of(&read)[0], "calls undelivered accepted");
    assert_eq!(shop.check(&id, &code).await.expect(200)["valid"], true);
}

#[tokio::test]
async fn the_secret_of_a_script_is_in_no_log() {
    let (program, vendor, _id) = called().await;
    let asked = asks(&vendor, Some("1"));
    let code = spelled(&asked.post().await.1)[..6].to_owned();
    let secret = asked.url().rsplit_once('.').unwrap().1.to_owned();
    let log = program.log();
    assert!(!log.contains(&secret) && !log.contains(&code));
}

#[tokio::test]
async fn too_many_calls_at_once_close_that_vendors_calls_and_not_its_texts() {
    let (first, second) = (Twilio::start(Behaviour::Accept).await, Twilio::start(Behaviour::Accept).await);
    let both = first.provider("first").replace("[\"sms\"]", "[\"sms\", \"voice\"]");
    let program = Program::reachable(&format!("{both}{}", second.caller("calls")));
    let shop = program.shop();
    first.next(Behaviour::error(429, 10004));
    for (number, person) in [PERSON, NEXT_PERSON, THIRD_PERSON].into_iter().enumerate() {
        shop.start(json!({ "to": person, "channel": "voice" })).await.expect(201);
        second.message(number + 1).await;
    }
    let id = shop.start(json!({ "to": FOURTH_PERSON, "channel": "sms" })).await.text("id");
    first.message(2).await;
    pause(QUIET).await;
    assert_eq!(story_of(&shop.read(&id).await), ["first accepted accepted"]);
    assert_eq!(first.received().len(), 2, "one call was asked for, and one text");
    assert!(program.log().contains("the vendor asks for patience"));
}

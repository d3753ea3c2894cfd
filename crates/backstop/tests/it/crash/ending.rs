//! How it ends when it is asked to, and that only one serves a folder.

use std::{process::Command, time::Duration};

use reqwest::Method;
use serde_json::json;

use crate::{
    harness::{Gateway, Program, eventually, gateway::Reply, now, vendor::twilio_provider},
    outages::nobody,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_end_waits_for_the_answer_of_a_slow_vendor_and_writes_it_down() {
    let gateway = Gateway::start(Reply::TakeAfter(Duration::from_millis(1_500))).await;
    let mut program = Program::configured(&gateway.provider("gateway", "sms"));
    let id = program.shop().start(json!({ "to": super::PERSON })).await.text("id");
    gateway.message(1).await;
    let begun = now();
    assert!(tokio::task::block_in_place(|| program.stop()), "it ended well");
    assert!(begun.elapsed() > Duration::from_millis(1_000), "it waited");

    program.start();
    let read = program.shop().read(&id).await;
    assert_eq!(read["delivery"], "sent");
    assert_eq!(read["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(read["attempts"][0]["outcome"], "accepted");
    let code = gateway.code_of(&id).unwrap();
    assert_eq!(program.shop().check(&id, &code).await.expect(200)["valid"], true);
    assert_eq!(gateway.handed().len(), 1, "nothing was sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_another_try_when_it_ends_goes_out_after_the_next_start() {
    let entry = twilio_provider("nobody", nobody());
    let gateway = Gateway::start(Reply::Take).await;
    let mut program = Program::configured(&entry);
    let id = program.shop().start(json!({ "to": super::PERSON })).await.text("id");
    eventually("a refusal", super::PATIENCE, || async {
        (program.shop().read(&id).await["attempts"][0]["state"] == "rejected").then_some(())
    })
    .await;
    let begun = now();
    assert!(tokio::task::block_in_place(|| program.stop()), "it ended well");
    assert!(begun.elapsed() < Duration::from_secs(5), "a pause between two tries is not waited for");

    // The operator brings another provider.
    let path = program.folder().join("backstop.toml");
    let config = std::fs::read_to_string(&path).unwrap() + &gateway.provider("gateway", "sms");
    std::fs::write(&path, config).unwrap();
    program.start();
    assert_eq!(gateway.message(1).await.verification, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once_and_the_rest_is_as_after_a_crash() {
    let gateway = Gateway::start(Reply::TakeAfter(super::PATIENCE)).await;
    let mut program = Program::configured(&gateway.provider("gateway", "sms"));
    let shop = program.shop();
    let id = shop.start(json!({ "to": super::PERSON })).await.text("id");
    gateway.message(1).await;
    let first = Command::new("kill").args(["-TERM", &program.pid().to_string()]).status().unwrap();
    assert!(first.success());
    eventually("no new calls", super::PATIENCE, || async {
        program.shop().try_send(Method::GET, "/healthz", None).await.is_err().then_some(())
    })
    .await;
    let begun = now();
    assert!(!tokio::task::block_in_place(|| program.stop()), "it says that it did not end well");
    assert!(begun.elapsed() < Duration::from_secs(3));
    program.start();
    let limit = super::PATIENCE.max(program.store().takeover());
    let read = eventually("the next life", limit, || async {
        let read = program.shop().read(&id).await;
        (read["attempts"][0]["state"] == "unknown").then_some(read)
    })
    .await;
    assert_eq!(read["status"], "pending");
}

#[tokio::test]
async fn a_second_process_refuses_to_serve_the_same_folder_and_the_first_goes_on() {
    let gateway = Gateway::start(Reply::Take).await;
    let program = Program::configured(&gateway.provider("gateway", "sms"));
    let second = program.run(&["serve"]);
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success());
    assert!(said.contains("another process is using this database"), "{said}");
    let id = program.shop().start(json!({ "to": super::PERSON })).await.text("id");
    super::delivered(&gateway, &id).await;
}

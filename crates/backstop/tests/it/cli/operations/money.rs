//! What messages may cost, what is left, and what they did cost.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    super::{ASHA, AnyChannel, Program, err, exit, out, start, told},
    RAVI, carried_at_last, carried_by, row, two,
};
use crate::harness::{Behaviour, Twilio, eventually, pause, server::Server};

/// Both accounts at an AWS that is not ours.
fn aws(server: &Server) -> String {
    let account = format!(
        "region = \"ap-south-1\"\naccess_key_id = \"AKIA0F3C9A7E51D2B846\"\n\
         secret_access_key = \"k3y/of0a9test8that7nobody6else5has4a1b2c\"\nbase_url = \"http://127.0.0.1:{}\"\n",
        server.port()
    );
    format!(
        "[channels]\norder = [\"sms\", \"email\"]\n\
         [[provider]]\nname = \"sns\"\nkind = \"aws-sns\"\nchannels = [\"sms\"]\nprice = \"0.00645 USD\"\n{account}\
         [[provider]]\nname = \"ses\"\nkind = \"aws-ses\"\nfrom = \"Acme <login@acme.example>\"\n{account}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spend_limit_set_by_command_is_never_passed_and_its_refusals_change_nothing() {
    let (one, other, program) = two().await;
    for (arguments, words) in [
        (&["providers", "set-spend-limit", "one", "100", "INR"][..], "another currency"),
        (&["providers", "set-spend-limit", "one", "-1"], "unexpected argument"),
        (&["providers", "set-spend-limit", "one", "much"], "no amount"),
        (&["providers", "set-spend-limit", "nobody", "1"], "no provider of that name"),
    ] {
        let refused = program.run(arguments);
        assert!(exit(&refused) == 2 && err(&refused).contains(words), "{arguments:?}: {}", err(&refused));
    }
    assert_eq!(row(&told(&program, &["providers"], 0), "one")["spend"], Value::Null);
    let limit = told(&program, &["providers", "set-spend-limit", "one", "1"], 0);
    assert_eq!(
        (&limit["limit"], &limit["spent"], &limit["vendor"]),
        (&json!("1.00 USD"), &Value::Null, &Value::Null)
    );
    // Other processes follow within a second.
    pause(Duration::from_secs(2)).await;
    let mut carried = Vec::new();
    for index in 0..4 {
        carried.push(carried_by(&program, index, &one, &other).await);
    }
    assert_eq!(carried, ["one", "one", "two", "two"], "0.40 + 0.40 of 1.00 USD, and no third");
    let table = told(&program, &["providers"], 1);
    assert_eq!(row(&table, "one")["spend"]["spent"], "0.80 USD");
    assert_eq!(row(&table, "one")["why_not"], "the month's spend limit is reached");
    told(&program, &["providers", "set-spend-limit", "one", "1.20", "USD"], 0);
    carried_at_last(&program, "one", 100, (&one, &other)).await;
    assert_eq!(row(&told(&program, &["providers"], 1), "one")["spend"]["spent"], "1.20 USD");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_is_counted_and_the_other_order_is_reckoned() {
    let (one, _other, mut program) = two().await;
    let id = start(&program.shop(), ASHA).await;
    let code = one.code(&id).await;
    program.shop().check(&id, &code).await.expect(200);
    let second = start(&program.shop(), RAVI).await;
    one.code(&second).await;
    for round in 0..2 {
        let costs = eventually("both prices are written down", Duration::from_secs(10), || async {
            let costs = told(&program, &["costs"], 0);
            (costs["totals"] == json!(["0.80 USD"])).then_some(costs)
        })
        .await;
        let sms = &costs["channels"][0];
        assert_eq!((&sms["providers"][0]["sends"], &sms["cost"]), (&json!(2), &json!("0.80 USD")));
        assert_eq!(sms["instead"][1], json!({"provider": "two", "cost": "0.20 USD", "saving": "0.60 USD"}));
        assert!(out(&program.run(&["costs"])).contains("two first: 0.20 USD, which saves 0.60 USD"));
        let before = told(&program, &["costs", "--month", "2020-01"], 0);
        assert_eq!((&before["channels"], &before["is_partial"]), (&json!([]), &json!(true)));
        assert_eq!(exit(&program.run(&["costs", "--month", "November"])), 2);

        let stats = told(&program, &["stats", "--since", "1h"], 0);
        assert_eq!(
            stats["purposes"],
            json!([{"purpose": "login", "started": 2, "approved": 1, "pending": 1}])
        );
        assert_eq!(stats["channels"][0]["approved"], 1);
        assert_eq!(
            (&stats["outcomes"][0]["outcome"], &stats["outcomes"][0]["count"]),
            (&json!("accepted"), &json!(2))
        );
        if round == 0 {
            program.kill();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendors_own_limit_and_its_senders_are_set_at_the_vendor_and_ours_holds_when_it_is_down() {
    let server = Server::start("aws.py", &[]);
    let mut program = Program::configured(&aws(&server));
    let unverified = told(&program, &["providers", "test", "ses", "--to", "asha@example.com"], 2);
    assert_eq!(unverified["sent"]["accepted"], false, "{unverified:#}");
    for round in 0..2 {
        let hostile = program.run(&["providers", "verify-sender", "ses", "a b\n@example.com"]);
        assert!(exit(&hostile) == 2 && err(&hostile).contains("no e-mail address"), "{}", err(&hostile));
        let begun = told(&program, &["providers", "verify-sender", "ses", "login@acme.example"], 0);
        assert_eq!(begun["finding"]["well"], true, "{begun:#}");
        let limit = told(&program, &["providers", "set-spend-limit", "sns", "99.50"], 0);
        assert_eq!(
            (&limit["limit"], &limit["vendor"]["well"]),
            (&json!("99.50 USD"), &json!(true)),
            "{limit:#}"
        );
        assert!(
            limit["vendor"]["finding"].as_str().unwrap().contains("100 USD"),
            "never below ours: {limit:#}"
        );
        if round == 0 {
            program.kill();
        }
    }
    program.start();
    // This AWS cannot be asked about the account, so the look fails; the message is what counts here.
    let verified = told(&program, &["providers", "test", "ses", "--to", "asha@example.com"], 2);
    assert_eq!(
        (&verified["sent"]["channel"], &verified["sent"]["accepted"]),
        (&json!("email"), &json!(true))
    );

    drop(server);
    let down = told(&program, &["providers", "set-spend-limit", "sns", "50", "USD"], 1);
    assert_eq!((&down["limit"], &down["vendor"]["well"]), (&json!("50.00 USD"), &json!(false)));
    let table = told(&program, &["providers"], 0);
    assert_eq!(row(&table, "sns")["spend"]["limit"], "50.00 USD");
    assert_eq!(exit(&program.run(&["providers", "verify-sender", "ses", "other@acme.example"])), 2);
    assert_eq!(exit(&program.run(&["providers", "test", "sns"])), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_runs_dry_goes_behind_the_others_until_it_is_topped_up() {
    let (dry, other) = (Twilio::start(Behaviour::Accept).await, AnyChannel::start().await);
    dry.has_left("19.50");
    let mut program = Program::configured(&format!(
        "[channels]\norder = [\"sms\"]\n{}credit_floor = 20.0\n{}",
        dry.provider("dry"),
        other.provider("two", &["sms"])
    ));
    let low = eventually("the credit is read", Duration::from_secs(10), || async {
        let table = told(&program, &["providers"], 1);
        (row(&table, "dry")["credit"]["is_low"] == true).then_some(table)
    })
    .await;
    assert_eq!(row(&low, "dry")["credit"]["balance"], "19.50 USD");
    assert_eq!(row(&low, "dry")["why_not"], "its credit is running out");
    pause(Duration::from_secs(1)).await;
    let id = start(&program.shop(), ASHA).await;
    other.code(&id).await;
    assert!(dry.received().is_empty(), "shifted before it ended");

    program.kill();
    dry.has_left("120");
    assert_eq!(row(&told(&program, &["providers"], 0), "dry")["credit"]["balance"], "120.00 USD");
}

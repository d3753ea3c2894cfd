//! What is typed: every command explains itself, and what is not understood is said.

use clap::{CommandFactory, Parser};

use backstop_domain::channel::Channel;

use super::verification;
use crate::{
    cli::{Arguments, Command},
    control::protocol::ControlRequest,
};

#[test]
fn every_command_explains_itself() {
    let mut command = Arguments::command().term_width(100);
    command.build();
    let mut pages = vec![command.render_long_help().to_string()];
    let mut queue: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    while !queue.is_empty() {
        let mut next = queue.remove(0).term_width(100);
        if next.get_name() == "help" {
            continue;
        }
        let page = next.render_long_help().to_string();
        assert!(page.contains("Examples:"), "{} shows no example", next.get_name());
        pages.push(page);
        let inner: Vec<_> = next.get_subcommands().cloned().collect();
        queue.splice(0..0, inner);
    }
    insta::assert_snapshot!("help", pages.join(&format!("\n{}\n", "=".repeat(100))));
}

#[test]
fn arguments_become_requests() {
    let request = |words: &[&str]| match Arguments::try_parse_from(words).unwrap().command.unwrap() {
        Command::Send(send) => send.request(),
        Command::Verify(verify) => verify.request(),
        Command::Keys(keys) => keys.request(),
        Command::Backup(backup) => backup.request().unwrap(),
        other => panic!("{other:?}"),
    };
    let send = request(&[
        "backstop",
        "send",
        "+919876543210",
        "--channel",
        "whatsapp",
        "--purpose",
        "login",
        "--wait",
        "--json",
    ]);
    let ControlRequest::Send { to, channel, purpose, wait, application } = send else { panic!("{send:?}") };
    assert_eq!(
        (to.expose(), channel, wait, application),
        ("+919876543210", Some(Channel::Whatsapp), true, None)
    );
    assert_eq!(purpose.unwrap().as_str(), "login");
    let id = verification().to_string();
    let ControlRequest::Verify { code, .. } = request(&["backstop", "verify", &id, "482913"]) else {
        panic!()
    };
    assert_eq!(code.expose(), "482913");
    assert_eq!(request(&["backstop", "keys", "rotate"]), ControlRequest::RotateKeyring);
    let ControlRequest::Backup { to } = request(&["backstop", "backup", "here.db"]) else { panic!() };
    assert!(to.is_absolute(), "the service has another working directory");
}

#[test]
fn arguments_about_providers_and_routes_become_requests() {
    let request =
        |words: &[&str]| match Arguments::try_parse_from([&["backstop"], words].concat()).unwrap().command {
            Some(Command::Providers(providers)) => providers.request(),
            Some(Command::Route(route)) => route.request(),
            Some(Command::Costs(costs)) => costs.request(),
            Some(Command::Stats(stats)) => stats.request(),
            other => panic!("{other:?}"),
        };
    assert_eq!(request(&["providers"]), ControlRequest::Providers);
    let off = ControlRequest::SwitchProvider { name: "one".into(), enabled: false };
    assert_eq!(request(&["providers", "disable", "one"]), off);
    let limit = |currency: Option<&str>| ControlRequest::SetSpendLimit {
        name: "one".into(),
        amount: "100".into(),
        currency: currency.map(str::to_owned),
    };
    assert_eq!(request(&["providers", "set-spend-limit", "one", "100", "USD"]), limit(Some("USD")));
    assert_eq!(request(&["providers", "set-spend-limit", "one", "100"]), limit(None));
    let id = verification();
    assert_eq!(request(&["route", "--verification", &id.to_string()]), ControlRequest::Recorded { id });
    assert_eq!(request(&["stats", "--since", "7d"]), ControlRequest::Stats { since_seconds: 604_800 });
    assert_eq!(
        request(&["costs", "--month", "2026-11"]),
        ControlRequest::Costs { month: Some("2026-11".into()) }
    );
}

#[test]
fn what_is_not_understood_ends_with_2() {
    for words in [
        &["backstop", "sned"][..],
        &["backstop", "send"],
        &["backstop", "send", "+919876543210", "--channel", "pigeon"],
        &["backstop", "verify", "not-an-id", "482913"],
        &["backstop", "keys", "create"],
        &["backstop", "keys"],
        &["backstop", "route"],
        &["backstop", "route", "+919876543210", "--verification", "ver_1"],
        &["backstop", "stats", "--since", "yesterday"],
        &["backstop", "stats", "--since", "0s"],
        &["backstop", "providers", "disable"],
        &["backstop", "providers", "test", "one", "--channel", "sms"],
    ] {
        let error = Arguments::try_parse_from(words).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{words:?}");
    }
}

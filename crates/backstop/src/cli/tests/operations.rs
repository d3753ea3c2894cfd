//! What operators read about providers, routes and money.

use backstop_domain::{
    attempt::AttemptState,
    channel::Channel,
    ranking::{Candidate, Decision, Ranking},
    verification::Status,
};

use super::{shown, verification};
use crate::{
    cli::{Exit, costs, providers, route, screen::Style, stats},
    control::protocol::{
        AttemptRow, ChannelCosts, ChannelStats, ControlReply, CostRow, CostsReply, CreditRow, ErrandReply,
        Figures, Finding, InsteadRow, LimitReply, OutcomeRow, ProviderRow, ProvidersReply, PurposeRow,
        Recorded, RecordedReply, RouteReply, RungRow, SpendRow, StatsReply, SwitchReply, TestReply, TestSend,
    },
};

fn row(name: &str) -> ProviderRow {
    ProviderRow {
        name: name.into(),
        kind: "twilio".into(),
        channels: vec![Channel::Sms],
        enabled: true,
        switched_off: false,
        breaker: "closed".into(),
        consecutive_failures: 0,
        why_not: None,
        closed_routes: Vec::new(),
        last_success: Some("2026-11-20T03:12:04.000Z".into()),
        last_error: None,
        hour: Figures { answered: 12, accepted: 11, approved: 9 },
        day: Figures { answered: 1_000, accepted: 979, approved: 871 },
        p95_millis: Some(400),
        credit: None,
        spend: None,
        receipts_url: None,
    }
}

fn table(providers: Vec<ProviderRow>, live: bool) -> ControlReply {
    ControlReply::Providers(ProvidersReply { providers, live })
}

#[test]
fn a_provider_tells_the_effect_before_the_mechanism() {
    let open = ProviderRow {
        breaker: "open".into(),
        consecutive_failures: 5,
        why_not: Some("its breaker is open".into()),
        last_error: Some("unavailable at 2026-11-20T03:12:04.000Z".into()),
        closed_routes: vec!["sms to IN until 2026-11-20T03:17:04.000Z".into()],
        ..row("two")
    };
    let half = ProviderRow {
        breaker: "half_open".into(),
        why_not: Some("its breaker is half open".into()),
        ..row("three")
    };
    let configured_off = ProviderRow {
        enabled: false,
        hour: Figures::default(),
        day: Figures::default(),
        p95_millis: None,
        ..row("four")
    };
    let capped = ProviderRow {
        why_not: Some("the month's spend limit is reached".into()),
        spend: Some(SpendRow {
            spent: Some("500.00 USD".into()),
            limit: Some("500.00 USD".into()),
            is_reached: true,
        }),
        credit: Some(CreditRow {
            balance: "41.20 USD".into(),
            read_at: "2026-11-20T03:10:00.000Z".into(),
            ends_at: Some("2026-11-20T09:40:00.000Z".into()),
            is_low: false,
        }),
        ..row("six")
    };
    let switched_off = ProviderRow {
        switched_off: true,
        why_not: Some("switched off by an operator".into()),
        ..row("five")
    };
    let rows = vec![
        ProviderRow { consecutive_failures: 1, ..row("one") },
        open,
        half,
        configured_off,
        switched_off,
        capped,
    ];
    let answer = providers::answer(&table(rows, true), Style::PLAIN).unwrap();
    insta::assert_snapshot!("providers", shown(&answer));
}

#[test]
fn what_an_operator_switched_off_is_no_warning_and_what_holds_itself_back_is() {
    let exit = |row: ProviderRow| providers::answer(&table(vec![row], true), Style::PLAIN).unwrap().exit;
    let held_back = ProviderRow { why_not: Some("its breaker is open".into()), ..row("one") };
    assert_eq!(exit(row("one")), Exit::Well);
    assert_eq!(exit(held_back.clone()), Exit::Warning);
    assert_eq!(exit(ProviderRow { switched_off: true, ..held_back.clone() }), Exit::Well);
    assert_eq!(exit(ProviderRow { enabled: false, ..held_back }), Exit::Well);
    assert_eq!(providers::answer(&table(Vec::new(), true), Style::PLAIN).unwrap().exit, Exit::Warning);
}

#[test]
fn the_addresses_for_receipts_are_printed_when_asked_for_and_what_is_not_known_is_said() {
    let url = "https://verify.acme.example/receipts/one/0123456789abcdef012345";
    let reply = table(vec![ProviderRow { receipts_url: Some(url.into()), ..row("one") }], false);
    let plain = shown(&providers::answer(&reply, Style::PLAIN).unwrap());
    assert!(!plain.contains(url) && plain.contains("no service answered"), "{plain}");
    let with = shown(&providers::answer_with_receipts(&reply, Style::PLAIN).unwrap());
    assert!(with.contains(&format!("one  {url}")), "{with}");
    let none = shown(&providers::answer_with_receipts(&table(vec![row("one")], true), Style::PLAIN).unwrap());
    assert!(none.contains("server.public_url is not set"), "{none}");
}

#[test]
fn what_was_done_to_a_provider_is_told_with_what_follows_from_it() {
    let finding = |well| Finding {
        well,
        finding: if well { "set to 100 USD" } else { "denied" }.into(),
        fix: (!well).then(|| "ask AWS for more".into()),
    };
    let switch = |enabled, changed, unserved| {
        ControlReply::SwitchProvider(SwitchReply { provider: "one".into(), enabled, changed, unserved })
    };
    let limit = |vendor| {
        ControlReply::SetSpendLimit(LimitReply {
            provider: "one".into(),
            limit: "100.00 USD".into(),
            spent: Some("12.30 USD".into()),
            vendor,
        })
    };
    let sent = |accepted: bool| TestSend {
        verification: accepted.then(verification),
        to: "+91•••••••10".into(),
        channel: Channel::Sms,
        accepted,
        finding: if accepted { "accepted" } else { "out_of_credit: 402" }.into(),
        answered_millis: Some(410),
    };
    let test =
        |sent| ControlReply::TestProvider(TestReply { provider: "one".into(), checkup: finding(true), sent });
    let errand =
        |well| ControlReply::VerifySender(ErrandReply { provider: "ses".into(), finding: finding(well) });
    let all = [
        switch(true, true, Vec::new()),
        switch(false, false, vec![Channel::Sms, Channel::Voice]),
        limit(None),
        limit(Some(finding(true))),
        limit(Some(finding(false))),
        test(None),
        test(Some(sent(true))),
        test(Some(sent(false))),
        errand(true),
        errand(false),
    ];
    let all = all.map(|reply| shown(&providers::answer(&reply, Style::PLAIN).unwrap()));
    insta::assert_snapshot!("done", all.join("\n\n"));
}

#[test]
fn the_kinds_are_listed_with_what_each_needs() {
    let text = providers::kinds::answer(Style::PLAIN).text;
    for words in ["twilio", "costs money", "auth_token or auth_token_file", "needed", "development only"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let json = serde_json::to_string(&providers::kinds::KindsReply::of_registry()).unwrap();
    assert!(json.starts_with(r#"{"kinds":[{"kind":"#), "{json}");
}

fn decision() -> Decision {
    let text = r#"{"ranking":"cost","rule":"ranking by rule 1 (country IN)","seed":7,"candidates":[
        {"provider":"msg91","verdict":"chosen","cost":0.0031,"price":"0.003 USD","share":0.98,"weight":120.0},
        {"provider":"twilio-main","verdict":"next","cost":0.083,"price":"0.083 USD","share":0.99,"weight":40.0},
        {"provider":"gupshup","verdict":"suspect","price":"0.002 USD"}]}"#;
    let mut decision: Decision = serde_json::from_str(text).unwrap();
    decision.candidates.push(Candidate::passed_over("vonage", "its breaker is open"));
    decision
}

#[test]
fn a_route_says_who_goes_first_and_why_the_others_do_not() {
    let rung = |channel, refused: Option<&str>, decision| RungRow {
        channel,
        refused: refused.map(str::to_owned),
        decision,
    };
    let empty = Decision { ranking: Ranking::Priority, rule: None, seed: 0, candidates: Vec::new() };
    let mut told = RouteReply {
        to: "+91•••••••10".into(),
        region: Some("IN".into()),
        application: "shop".into(),
        purpose: "login".into(),
        refused: None,
        ladder: vec![
            rung(Channel::Sms, None, Some(decision())),
            rung(Channel::Whatsapp, Some("no provider serves it"), Some(empty)),
            rung(Channel::Email, Some("cannot reach this recipient"), None),
        ],
    };
    let answer = route::answer(&ControlReply::Route(told.clone()), Style::PLAIN).unwrap();
    insta::assert_snapshot!("route", shown(&answer));
    told.refused = Some("codes are not sent to this country".into());
    assert_eq!(route::answer(&ControlReply::Route(told), Style::PLAIN).unwrap().exit, Exit::Warning);
}

#[test]
fn what_was_tried_is_told_with_what_was_known_then() {
    let attempt = |provider: &str, state, outcome: &str, decision| AttemptRow {
        channel: Channel::Sms,
        provider: provider.into(),
        state,
        outcome: Some(outcome.into()),
        price: (state == AttemptState::Accepted).then(|| "0.003 USD".into()),
        started_at: "2026-11-20T03:12:04.000Z".into(),
        answered_millis: Some(410),
        decision,
    };
    let told = RecordedReply {
        id: verification(),
        to: "+91•••••••10".into(),
        status: Status::Pending,
        attempts: vec![
            attempt("msg91", AttemptState::Rejected, "out_of_credit", Some(Recorded::Decision(decision()))),
            attempt("twilio-main", AttemptState::Unknown, "unknown", Some(Recorded::Unreadable("{}".into()))),
            attempt("twilio-main", AttemptState::Accepted, "accepted", None),
        ],
    };
    let answer = route::answer(&ControlReply::Recorded(told), Style::PLAIN).unwrap();
    insta::assert_snapshot!("recorded", shown(&answer));
}

#[test]
fn a_months_costs_say_what_the_other_order_would_have_saved() {
    let cost = |provider: &str, sends, cost: Option<&str>, unknown| CostRow {
        provider: provider.into(),
        sends,
        free: 0,
        prices: vec!["0.0075 USD".into()],
        cost: cost.map(str::to_owned),
        unknown,
    };
    let instead = |provider: &str, cost: Option<&str>, saving: Option<&str>| InsteadRow {
        provider: provider.into(),
        cost: cost.map(str::to_owned),
        saving: saving.map(str::to_owned),
    };
    let mut costs = CostsReply {
        month: "2026-11".into(),
        channels: vec![ChannelCosts {
            channel: Channel::Sms,
            providers: vec![cost("twilio", 20_000, Some("150.00 USD"), 3), cost("plivo", 7, None, 0)],
            cost: None,
            instead: vec![
                instead("twilio", Some("150.00 USD"), None),
                instead("aws-sns", Some("122.55 USD"), Some("27.45 USD")),
                instead("plivo", None, None),
            ],
        }],
        totals: vec!["150.00 USD".into()],
        is_partial: true,
    };
    let shown_of = |costs: &CostsReply| {
        shown(&costs::answer(&ControlReply::Costs(costs.clone()), Style::PLAIN).unwrap())
    };
    let full = shown_of(&costs);
    costs.channels.clear();
    costs.is_partial = false;
    insta::assert_snapshot!("costs", [full, shown_of(&costs)].join("\n\n"));
}

#[test]
fn stats_say_who_got_in_and_what_the_vendors_answered() {
    let outcome = |provider: &str, outcome: &str, count, undelivered| OutcomeRow {
        provider: provider.into(),
        channel: Channel::Sms,
        outcome: outcome.into(),
        count,
        delivered: 0,
        undelivered,
    };
    let mut stats = StatsReply {
        from: "2026-11-19T03:12:04.000Z".into(),
        to: "2026-11-20T03:12:04.000Z".into(),
        purposes: vec![PurposeRow { purpose: "login".into(), started: 1_157, approved: 1_113, pending: 8 }],
        channels: vec![ChannelStats { channel: Channel::Sms, accepted: 28, delivered: 20, approved: 25 }],
        outcomes: vec![outcome("one", "accepted", 28, 2), outcome("one", "rate_limited", 1, 0)],
    };
    let answer =
        |stats: &StatsReply| stats::answer(&ControlReply::Stats(stats.clone()), Style::PLAIN).unwrap();
    let full = shown(&answer(&stats));
    (stats.purposes, stats.channels, stats.outcomes) = (Vec::new(), Vec::new(), Vec::new());
    insta::assert_snapshot!("stats", [full, shown(&answer(&stats))].join("\n\n"));
}

use super::*;

const SMS: [&str; 3] = ["twilio-main", "msg91", "sns"];

fn rules() -> Vec<Rule> {
    let india = Region::parse("IN");
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    vec![
        Rule { prefix: "+9198".parse().ok(), ranking: Some(Ranking::Cost), ..Rule::default() },
        Rule {
            country: india,
            providers: names(&["msg91", "gone", "twilio-main", "msg91"]),
            ranking: Some(Ranking::Conversion),
            ..Rule::default()
        },
        Rule {
            application: Some("shop".into()),
            purpose: "transaction".parse().ok(),
            channel: Some(Channel::Sms),
            providers: names(&["sns"]),
            ..Rule::default()
        },
        Rule { channel: Some(Channel::Voice), providers: names(&["nobody"]), ..Rule::default() },
    ]
}

fn asked(application: &str, to: &str, channel: Channel, purpose: &str) -> Ruling {
    let recipient = Recipient::parse(to, None).unwrap();
    let purpose = purpose.parse().unwrap();
    let facts = Facts { application, recipient: &recipient, channel, purpose: &purpose };
    ask(&rules(), &facts, SMS.into_iter())
}

#[test]
fn without_a_matching_rule_every_provider_may_be_used_in_the_configured_order() {
    for ruling in [
        asked("shop", "+14155550123", Channel::Sms, "login"),
        asked("other", "+14155550123", Channel::Sms, "transaction"),
    ] {
        assert_eq!(ruling.providers, SMS);
        assert_eq!((ruling.ranking, ruling.rule, ruling.passed_over), (Ranking::Priority, None, Vec::new()));
    }
}

#[test]
fn each_question_has_its_answer_from_the_first_rule_that_says_something_about_it() {
    let ruling = asked("shop", "+919876543210", Channel::Sms, "login");
    assert_eq!(ruling.providers, ["msg91", "twilio-main"]);
    assert_eq!(ruling.ranking, Ranking::Cost);
    assert_eq!(
        ruling.rule.as_deref(),
        Some("providers by rule 2 (country IN); ranking by rule 1 (prefix +9198)")
    );
    let ruling = asked("shop", "+917776543210", Channel::Sms, "transaction");
    assert_eq!(ruling.ranking, Ranking::Conversion);
    assert_eq!(ruling.rule.as_deref(), Some("providers and ranking by rule 2 (country IN)"));
}

#[test]
fn a_provider_that_a_rule_leaves_out_is_named_with_the_reason() {
    let ruling = asked("shop", "+14155550123", Channel::Sms, "transaction");
    assert_eq!(ruling.providers, ["sns"]);
    let left_out: Vec<String> = ruling.left_out().map(|candidate| candidate.to_string()).collect();
    let why = "rule 3 (application shop, channel sms, purpose transaction) does not name it";
    assert!(left_out[0].starts_with(&format!("twilio-main: passed over ({why})")), "{}", left_out[0]);
    assert_eq!(left_out.len(), 2);
}

#[test]
fn a_rule_that_names_nobody_who_serves_the_channel_leaves_nobody() {
    let ruling = asked("shop", "+14155550123", Channel::Voice, "login");
    assert_eq!(ruling.providers, Vec::<String>::new());
    assert_eq!(ruling.passed_over.len(), SMS.len());
}

#[test]
fn an_email_address_has_no_country_and_no_prefix() {
    let everywhere = Rule { ranking: Some(Ranking::Cost), ..Rule::default() };
    let recipient = Recipient::parse("asha@example.com", None).unwrap();
    let purpose = Purpose::login();
    let facts =
        Facts { application: "shop", recipient: &recipient, channel: Channel::Email, purpose: &purpose };
    assert!(everywhere.matches(&facts));
    assert!(rules().iter().all(|rule| !rule.matches(&facts)));
    assert_eq!(everywhere.to_string(), "everything");
}

#[test]
fn what_is_not_the_beginning_of_a_number_is_refused() {
    for bad in ["", "+", "9198", "+91 98", "+91x", "+0", "+1234567890123456", "+٩"] {
        assert_eq!(bad.parse::<Prefix>(), Err(InvalidPrefix), "{bad}");
    }
    assert_eq!("+9198".parse::<Prefix>().unwrap().to_string(), "+9198");
}

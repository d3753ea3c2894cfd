//! A provider that takes requests and never answers: the worst, because nothing says that it fails.

use futures::future::join_all;

use super::*;
use crate::harness::{Gateway, gateway::Reply, now};

#[tokio::test]
async fn a_vendor_that_hangs_gets_company_after_two_seconds_and_its_end_is_unknown() {
    let first = Twilio::start(Behaviour::Hang).await;
    let entry = format!("{}timeout = \"5s\"\n", first.provider("first"));
    let stage = Stage::set(&entry, "").await;
    let id = stage.start(PERSON).await;
    let (stuck, sent) = (first.message(1).await, stage.second.message(1).await);
    let waited = sent.at.duration_since(stuck.at);
    assert!(waited >= Duration::from_millis(1_900) && waited < Duration::from_secs(4), "{waited:?}");
    assert_eq!(sent.code(), stuck.code());
    stage.approves(&id, &sent.code()).await;
    stage.tells(&id, &["first sending -", TOOK_OVER]).await;
    stage.tells(&id, &["first unknown unknown", TOOK_OVER]).await;
}

#[tokio::test]
async fn when_every_sms_provider_hangs_each_gets_its_time_and_then_the_mail_goes() {
    let (first, mail) = (Twilio::start(Behaviour::Hang).await, Gateway::start(Reply::Take).await);
    let entry = format!("{}timeout = \"2s\"\n", first.provider("first"));
    let hung = Twilio::start(Behaviour::Hang).await;
    // A key after the second entry belongs to it.
    let more =
        format!("timeout = \"2s\"\n{}[channels]\nhedge_after = \"500ms\"\n", mail.provider("mail", "email"));
    let stage = Stage::set_at(&entry, hung, &more).await;
    let asked = now();
    let id =
        stage.start_with(json!({ "to": PERSON, "fallback_to": { "email": "person@example.com" } })).await;
    let handed = mail.message(1).await;
    assert!(asked.elapsed() > Duration::from_secs(2), "not beside a text that may still arrive");
    stage.tells(&id, &["first unknown unknown", "second unknown unknown", "mail accepted accepted"]).await;
    let company = stage.second.message(1).await.at.duration_since(first.message(1).await.at);
    assert!(company < Duration::from_millis(1_900), "the second one did not wait for the first: {company:?}");
    stage.approves(&id, &handed.code).await;
}

#[tokio::test]
async fn a_black_hole_gets_company_after_two_seconds_and_surely_took_nothing() {
    let hole = tokio::net::TcpSocket::new_v4().unwrap();
    hole.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let hole = hole.listen(1).unwrap();
    let address = hole.local_addr().unwrap();
    // Nobody accepts: once its queue is full, the system no longer answers who wants to connect.
    let mut queue = Vec::new();
    while let Ok(connected) =
        tokio::time::timeout(Duration::from_millis(300), tokio::net::TcpStream::connect(address)).await
    {
        queue.push(connected.unwrap());
    }
    let stage = Stage::set(&twilio_provider("first", address), "").await;
    let (asked, id) = (now(), stage.start(PERSON).await);
    let waited = stage.second.message(1).await.at.duration_since(asked);
    assert!(waited >= Duration::from_millis(1_900) && waited < Duration::from_secs(4), "{waited:?}");
    stage.tells(&id, &["first rejected unavailable", TOOK_OVER]).await;
    stage.approves(&id, &stage.second.message(1).await.code()).await;
}

#[tokio::test]
async fn a_late_acceptance_is_written_down_and_no_failure() {
    let first = Twilio::start(Behaviour::Slow(Duration::from_millis(1_500))).await;
    let stage = Stage::set(&first_at(&first), "[channels]\nhedge_after = \"500ms\"\n").await;
    let both = ["first accepted accepted", TOOK_OVER];
    for person in [PERSON, NEXT_PERSON, THIRD_PERSON] {
        let id = stage.start(person).await;
        stage.tells(&id, &both).await;
    }
    assert_eq!(first.received().len(), 3, "slow is not down");
}

#[tokio::test]
async fn at_fifty_starts_a_second_a_hanging_provider_makes_nobody_wait_over_three_seconds() {
    const STARTS: usize = 300;
    let first = Twilio::start(Behaviour::Hang).await;
    let stage = Stage::set(&first.provider("first"), "").await;
    let begun = now();
    let starts = (0..STARTS).map(|number| {
        let (stage, due) = (&stage, Duration::from_millis(20) * u32::try_from(number).unwrap());
        async move {
            pause(due.saturating_sub(begun.elapsed())).await;
            let (to, asked) = (format!("+1415{:07}", 2_000_000 + number), now());
            let id = stage.start(&to).await;
            (to, asked, id)
        }
    });
    let asked = join_all(starts).await;
    stage.second.message(STARTS).await;
    let (hung, sent) = (first.received(), stage.second.received());
    let arrival = |to: &str| sent.iter().find(|message| message.form["To"] == to).unwrap().at;
    let mut waits: Vec<_> = asked.iter().map(|(to, asked, _)| (arrival(to) - *asked, *asked)).collect();
    let longest = waits.iter().map(|(wait, _)| *wait).max().unwrap();
    assert!(longest < Duration::from_secs(3), "somebody waited {longest:?}");

    // Five overdue messages open the breaker while the rest of the two seconds' messages are still hanging.
    let opened = hung.first().unwrap().at + Duration::from_secs(3);
    assert!(hung.iter().all(|message| message.at < opened), "after that nobody is sent into the dark");
    waits.retain(|(_, asked)| *asked > opened);
    assert!(waits.len() > 50, "the test went on long enough to show it: {}", waits.len());
    let longest = waits.iter().map(|(wait, _)| *wait).max().unwrap();
    assert!(longest < Duration::from_millis(1_500), "somebody still waited {longest:?}");
    let twice = sent.len() - STARTS;
    assert_eq!(twice, 0, "nobody gets the same message from the second one twice");
}

#[tokio::test]
async fn at_fifty_starts_a_second_under_two_of_a_hundred_get_two_messages_while_a_provider_hangs() {
    // A breaker that opens for 60 s, as it does unless configured, risks twelve times fewer.
    const STARTS: u32 = 800;
    let first = Twilio::start(Behaviour::Hang).await;
    let entry = format!("{}breaker = {{ open_for = \"5s\" }}\n", first.provider("first"));
    let stage = Stage::set(&entry, "").await;
    let begun = now();
    let starts = (0..STARTS).map(|number| {
        let stage = &stage;
        async move {
            pause((Duration::from_millis(20) * number).saturating_sub(begun.elapsed())).await;
            let to = format!("+1415{:07}", 2_000_000 + number);
            let asked = now();
            stage.start(&to).await;
            (to, asked)
        }
    });
    let asked = join_all(starts).await;
    stage.second.message(asked.len()).await;
    let (hung, sent) = (first.received(), stage.second.received());
    // Until the first breaker has opened, nobody can know.
    let steady = hung.first().unwrap().at + Duration::from_secs(3);
    let in_steady: Vec<_> = asked.iter().filter(|(_, at)| *at > steady).collect();
    let to_both = |to: &str| {
        let reached =
            |all: &[crate::harness::vendor::Received]| all.iter().any(|message| message.form["To"] == to);
        reached(&hung) && reached(&sent)
    };
    let twice = in_steady.iter().filter(|(to, _)| to_both(to)).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of some hundred")]
    let share = twice as f64 / in_steady.len() as f64;
    println!("{twice} of {} people were sent two messages: {:.2} %", in_steady.len(), share * 100.0);
    assert!(in_steady.len() > 500, "the test went on long enough to show it: {}", in_steady.len());
    assert!(twice > 0, "the provider was tried again");
    assert!(share < 0.015, "{twice} of {} people were sent two messages", in_steady.len());
    let arrival = |to: &str| sent.iter().find(|message| message.form["To"] == to).unwrap().at;
    let longest =
        in_steady.iter().map(|(to, asked)| arrival(to).saturating_duration_since(*asked)).max().unwrap();
    assert!(longest < Duration::from_secs(3), "somebody waited {longest:?}");
}

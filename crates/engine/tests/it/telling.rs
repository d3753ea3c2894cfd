//! Notices go out at least once, whoever fails meanwhile, and nobody waits for somebody else's trouble.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use backstop_domain::{
    clock::{Clock, Timestamp},
    id::NoticeId,
    notice::{Audience, Detail, Endpoint, Happening, NoticeKind},
    outcome::{Outcome, Reason},
    ports::{
        Notifier, Provider, Tasks,
        notifier::Notified,
        provider::{Checkup, Message, NoticeMail, Sent},
    },
    recipient::EmailAddress,
};
use backstop_engine::{
    Engine,
    notify::{NoticeSettings, Webhook},
};

use crate::{house::House, simulation::executor::SimulatedTasks};

const MINUTE: Duration = Duration::from_secs(60);

/// A receiver that says what it is told to, and remembers what came.
struct Receiver {
    says: Mutex<Notified>,
    takes: Duration,
    came: Mutex<Vec<(NoticeId, Timestamp, String)>>,
    tasks: Arc<SimulatedTasks>,
}

impl Receiver {
    fn times(&self) -> Vec<Timestamp> {
        self.came.lock().unwrap().iter().map(|(_, at, _)| *at).collect()
    }

    fn ids(&self) -> Vec<NoticeId> {
        self.came.lock().unwrap().iter().map(|(id, ..)| *id).collect()
    }

    fn say(&self, says: Notified) {
        *self.says.lock().unwrap() = says;
    }
}

#[async_trait]
impl Notifier for Receiver {
    async fn notify(&self, id: NoticeId, body: &[u8], at: Timestamp) -> Notified {
        self.came.lock().unwrap().push((id, at, String::from_utf8(body.to_vec()).unwrap()));
        self.tasks.sleep(self.takes).await;
        *self.says.lock().unwrap()
    }
}

/// A provider of mail that answers in a fixed way.
struct Mailer {
    name: &'static str,
    says: Mutex<Option<Outcome>>,
    letters: Letters,
}

#[async_trait]
impl Provider for Mailer {
    async fn send(&self, _: &Message) -> Sent {
        unreachable!("nobody starts by mail here")
    }

    async fn send_notice(&self, notice: &NoticeMail) -> Option<Sent> {
        let outcome = self.says.lock().unwrap().clone()?;
        let letter = (self.name, notice.notice, notice.to.expose().to_owned(), notice.text.clone());
        self.letters.lock().unwrap().push(letter);
        Some(Sent::new(outcome, "said"))
    }

    async fn check_up(&self) -> Checkup {
        Checkup { well: true, finding: "there".into(), fix: None }
    }
}

/// Over whom, which notice, to whom, and what it said.
type Letter = (&'static str, NoticeId, String, String);
type Letters = Arc<Mutex<Vec<Letter>>>;

const TAKEN: Outcome = Outcome::Accepted { vendor_id: None };

/// Mailers that answer so, in this order; `None` carries codes alone.
fn mailers(house: &mut House, says: [(&'static str, Option<Outcome>); 3]) -> (Letters, Vec<Arc<Mailer>>) {
    let letters = Letters::default();
    let mailers: Vec<_> = says
        .into_iter()
        .map(|(name, says)| Arc::new(Mailer { name, says: Mutex::new(says), letters: letters.clone() }))
        .collect();
    house.mailers = mailers.iter().map(|mailer| (mailer.name, mailer.clone() as Arc<dyn Provider>)).collect();
    house.notices.audience.person = true;
    (letters, mailers)
}

/// The house has these webhooks, of the shop; each answers after a while.
fn webhooks(house: &mut House, names: &[(&str, u64)]) -> BTreeMap<String, Arc<Receiver>> {
    let shop = house.application("shop").id;
    let mut receivers = BTreeMap::new();
    for (name, takes) in names {
        let receiver = Arc::new(Receiver {
            says: Mutex::new(Notified::Taken),
            takes: Duration::from_secs(*takes),
            came: Mutex::default(),
            tasks: house.executor.tasks(),
        });
        receivers.insert(String::from(*name), receiver);
    }
    let webhook = |(name, receiver): (&String, &Arc<Receiver>)| Webhook {
        name: name.clone(),
        notifier: receiver.clone(),
    };
    let endpoint = |name: &String| Endpoint { name: name.clone(), application: Some(shop), kinds: None };
    house.notices = NoticeSettings {
        audience: Audience { endpoints: receivers.keys().map(endpoint).collect(), ..Audience::default() },
        webhooks: receivers.iter().map(webhook).collect(),
        support_phone: Some("+91-80-5550-0100".into()),
    };
    receivers
}

fn happens(house: &mut House, engine: &Arc<Engine>, sequence: u64) {
    let (engine, shop) = (engine.clone(), house.application("shop").id);
    house.executor.tasks().spawn(Box::pin(async move {
        let emails = [EmailAddress::parse("asha@example.com").unwrap()];
        let detail = Detail::default().with_factor("totp");
        let happening = Happening {
            application: shop,
            kind: NoticeKind::FactorAdded,
            user: None,
            emails: &emails,
            detail: &detail,
            at: engine.now(),
            sequence,
        };
        engine.announce(&happening).await.unwrap();
    }));
    house.pass(Duration::from_millis(100));
}

fn refused(seconds: Option<u64>) -> Notified {
    Notified::Refused { status: Some(503), retry_after: seconds.map(Duration::from_secs) }
}

#[test]
fn what_is_posted_here_leaves_at_once_and_once() {
    for seed in 0..10 {
        let mut house = House::new(seed);
        let receivers = webhooks(&mut house, &[("hook", 0)]);
        let (one, _two) = (house.process("shop"), house.process("shop"));
        house.pass(Duration::from_secs(1));
        happens(&mut house, &one, 7);
        let hook = &receivers["hook"];
        assert_eq!(hook.ids().len(), 1, "seed {seed}: within a tenth of a second");
        house.pass(10 * MINUTE);
        assert_eq!(hook.ids().len(), 1, "seed {seed}");
        let body = hook.came.lock().unwrap()[0].2.clone();
        assert!(
            body.starts_with(r#"{"type":"user.factor_added","#) && body.ends_with(r#""sequence":7}}"#),
            "{body}"
        );
    }
}

#[test]
fn what_was_sent_and_not_written_down_before_a_crash_is_sent_again_under_its_id() {
    for seed in 0..10 {
        let mut house = House::new(seed);
        let receivers = webhooks(&mut house, &[("hook", 0)]);
        let engine = house.process("shop");
        house.around.forgetful.store(true, Ordering::SeqCst);
        happens(&mut house, &engine, 1);
        house.executor.crash();
        house.around.forgetful.store(false, Ordering::SeqCst);
        let hook = &receivers["hook"];
        assert_eq!(hook.ids().len(), 1, "seed {seed}");
        let _again = house.process("shop");
        house.pass(Duration::from_secs(20));
        assert_eq!(hook.ids().len(), 1, "seed {seed}: the dead one's lease still runs");
        house.pass(Duration::from_secs(20));
        let ids = hook.ids();
        assert_eq!(ids, [ids[0], ids[0]], "seed {seed}");
        house.pass(10 * MINUTE);
        assert_eq!(hook.ids().len(), 2, "seed {seed}");
    }
}

#[test]
fn a_receiver_that_hangs_holds_up_no_other_and_no_mail() {
    let mut house = House::new(1);
    let receivers = webhooks(&mut house, &[("dead", 15), ("well", 0)]);
    receivers["dead"].say(Notified::Refused { status: None, retry_after: None });
    let (letters, _) = mailers(&mut house, [("one", Some(TAKEN)), ("two", None), ("three", None)]);
    let engine = house.process("shop");
    for sequence in 0..20 {
        happens(&mut house, &engine, sequence);
    }
    assert_eq!((receivers["well"].ids().len(), letters.lock().unwrap().len()), (20, 20));
    assert_eq!(receivers["dead"].ids().len(), 1, "it is still at the first");
    house.pass(Duration::from_secs(90));
    let each: BTreeSet<_> = receivers["dead"].ids().into_iter().collect();
    assert_eq!(each.len(), 20, "what was posted meanwhile is tried too");
}

#[test]
fn what_is_refused_comes_again_by_the_schedule_under_the_same_id() {
    let mut house = House::new(2);
    let receivers = webhooks(&mut house, &[("hook", 0)]);
    let hook = &receivers["hook"];
    hook.say(refused(None));
    let engine = house.process("shop");
    happens(&mut house, &engine, 1);
    house.pass(45 * MINUTE);
    hook.say(Notified::Taken);
    house.pass(150 * MINUTE);
    let times = hook.times();
    let waits: Vec<u64> = times.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
    assert_eq!(waits.len(), 4, "taken at the fifth, and no more: {waits:?}");
    for (wait, usual) in waits.iter().zip([5, 300, 1800, 7200]) {
        // A tenth of jitter, and the looks of five seconds.
        assert!((usual * 9 / 10..=usual * 11 / 10 + 5).contains(wait), "{waits:?}");
    }
    assert_eq!(hook.ids().iter().collect::<BTreeSet<_>>().len(), 1);
}

#[test]
fn a_receivers_wish_to_be_left_alone_is_obeyed() {
    let mut house = House::new(3);
    let receivers = webhooks(&mut house, &[("hook", 0)]);
    let hook = &receivers["hook"];
    hook.say(refused(Some(3600)));
    let engine = house.process("shop");
    happens(&mut house, &engine, 1);
    house.pass(59 * MINUTE);
    assert_eq!(hook.ids().len(), 1);
    house.pass(2 * MINUTE);
    assert_eq!(hook.ids().len(), 2);
}

#[test]
fn a_receiver_that_is_gone_is_left_alone_until_the_next_start_and_nothing_is_lost() {
    let mut house = House::new(4);
    let receivers = webhooks(&mut house, &[("hook", 0)]);
    let hook = &receivers["hook"];
    hook.say(Notified::Gone);
    let engine = house.process("shop");
    happens(&mut house, &engine, 1);
    happens(&mut house, &engine, 2);
    house.pass(60 * MINUTE);
    assert_eq!(hook.ids().len(), 1, "nothing after its 410");
    hook.say(Notified::Taken);
    house.executor.crash();
    let _again = house.process("shop");
    house.pass(MINUTE);
    assert_eq!(hook.ids().iter().collect::<BTreeSet<_>>().len(), 2, "both came in the end");
    assert_eq!(hook.ids().len(), 3);
}

#[test]
fn a_mail_passes_who_carries_codes_alone_and_who_refuses_and_says_what_to_do() {
    let mut house = House::new(5);
    webhooks(&mut house, &[]);
    let refuses = Some(Outcome::rejected(Reason::Unavailable));
    let (letters, _) = mailers(&mut house, [("codes", None), ("ill", refuses), ("well", Some(TAKEN))]);
    let engine = house.process("shop");
    happens(&mut house, &engine, 1);
    let sent = letters.lock().unwrap().clone();
    let names: Vec<_> = sent.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, ["ill", "well"]);
    assert_eq!(sent[1].2, "asha@example.com");
    assert!(
        sent[1].3.contains("A new way to sign in") && sent[1].3.contains("+91-80-5550-0100"),
        "{}",
        sent[1].3
    );
    house.pass(10 * MINUTE);
    assert_eq!(letters.lock().unwrap().len(), 2);
}

#[test]
fn a_mail_of_which_nobody_knows_waits_and_comes_again_with_its_id() {
    let mut house = House::new(6);
    webhooks(&mut house, &[]);
    let (letters, all) =
        mailers(&mut house, [("mute", Some(Outcome::Unknown)), ("well", Some(TAKEN)), ("codes", None)]);
    let engine = house.process("shop");
    happens(&mut house, &engine, 1);
    house.pass(50 * Duration::from_secs(1));
    assert_eq!(letters.lock().unwrap().len(), 1, "a second mail at once would be one too many");
    *all[0].says.lock().unwrap() = Some(TAKEN);
    house.pass(Duration::from_secs(20));
    let sent = letters.lock().unwrap().clone();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].1, sent[1].1);
}

#[test]
fn a_breaker_that_is_open_is_respected_and_a_mail_that_nobody_takes_is_given_up() {
    let mut house = House::new(7);
    webhooks(&mut house, &[]);
    let broke = Some(Outcome::rejected(Reason::OutOfCredit));
    let (letters, all) = mailers(&mut house, [("broke", broke), ("codes", None), ("codes-too", None)]);
    let engine = house.process("shop");
    happens(&mut house, &engine, 1);
    happens(&mut house, &engine, 2);
    assert_eq!(letters.lock().unwrap().len(), 1, "the second one finds the breaker open");
    house.pass(170 * MINUTE);
    let tried = letters.lock().unwrap().len();
    assert!((2..=10).contains(&tried), "{tried}: five tries of each at most");
    *all[0].says.lock().unwrap() = Some(TAKEN);
    house.pass(30 * MINUTE);
    assert_eq!(letters.lock().unwrap().len(), tried, "a warning that is hours old helps nobody");
}

#[test]
fn a_node_whose_clock_has_drifted_tells_nothing() {
    let mut house = House::new(8);
    let receivers = webhooks(&mut house, &[("hook", 0)]);
    let engine = house.process("shop");
    house.clock.drifted.store(true, Ordering::SeqCst);
    happens(&mut house, &engine, 1);
    house.pass(MINUTE);
    assert!(receivers["hook"].ids().is_empty(), "leases that hold may seem to have ended");
    house.clock.drifted.store(false, Ordering::SeqCst);
    house.pass(Duration::from_secs(6));
    assert_eq!(receivers["hook"].times().len(), 1);
    assert!(house.clock.now() > receivers["hook"].times()[0]);
}

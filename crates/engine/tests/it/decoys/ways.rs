//! Over which channels a sign-in's code goes, and what strangers hear of them.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use backstop_domain::{
    channel::Channel,
    delivery::DeliveryState,
    id::VerificationId,
    limit::Pace,
    outcome::{Outcome, Reason, Scope},
    purpose::Purpose,
};
use backstop_engine::{
    Engine,
    verify::{ChannelRefused, Selection, SignInStart, StartError},
};

use super::{
    LADDER, MAILBOX, NOBODY, house, nobody, person, read_alike, start, start_both, started, stranger,
};
use crate::{
    checkers::Verify,
    house::{ASHA, House, caller},
};

fn start_both_on(house: &mut House, engine: &Arc<Engine>, ladder: &[Channel]) -> [VerificationId; 2] {
    let real = person(house, ASHA);
    let (real, decoy) = (started(house, engine, real), started(house, engine, nobody(NOBODY)));
    assert_eq!((real.channels.as_slice(), decoy.channels.as_slice()), (ladder, ladder));
    [real.id, decoy.id]
}

#[test]
fn a_persons_code_goes_where_it_was_asked_and_else_to_the_confirmed_mailbox() {
    let (mut house, engine) = house();
    let other_number = "+919876543211";
    let real = person(&house, other_number);
    let id = started(&mut house, &engine, real).id;
    let row = house.view(id).unwrap().verification;
    let personal = row.open_personal(&house.ring()).unwrap();
    assert_eq!(personal.recipient_for(Channel::Sms).unwrap().expose(), other_number);
    assert_eq!(personal.recipient_for(Channel::Email).unwrap().expose(), MAILBOX);
    assert_eq!(house.sent(), ["text"]);

    let by_mail = |request| SignInStart { selection: Selection::Only(Channel::Email), ..request };
    let real = by_mail(person(&house, ASHA));
    started(&mut house, &engine, real);
    assert_eq!(house.sent(), ["text", "mail"]);
    // Somebody without a mailbox: the channel is there for a stranger, and nothing can be sent.
    let mut without = by_mail(person(&house, "+919876543212"));
    without.fallback_to.clear();
    let report = started(&mut house, &engine, without);
    assert_eq!((report.delivery, report.channel), (DeliveryState::Sent, Channel::Email));
    assert_eq!(house.delivery(report.id).state, DeliveryState::Undeliverable);
    assert_eq!(house.sent(), ["text", "mail"]);
}

#[test]
fn to_a_mail_address_a_code_goes_by_mail_alone() {
    let (mut house, engine) = house();
    for request in [person(&house, MAILBOX), nobody("somebody@example.com")] {
        assert_eq!(started(&mut house, &engine, request.clone()).channels, [Channel::Email]);
        let by_text = SignInStart { selection: Selection::Only(Channel::Sms), ..request };
        let refused = start(&mut house, &engine, stranger(&engine), by_text).unwrap_err();
        assert!(
            matches!(refused, StartError::Channel(ChannelRefused::CannotReach(Channel::Sms))),
            "{refused}"
        );
    }
    assert_eq!(house.sent(), ["mail"]);
}

#[test]
fn a_sign_in_never_goes_through_a_provider_that_makes_its_own_codes() {
    let mut house = House::new(1);
    let verify = Arc::new(Verify::default());
    house.verify = Some((0, verify.clone()));
    let engine = house.process("shop");
    let ids = start_both_on(&mut house, &engine, &[Channel::Sms, Channel::Whatsapp]);
    assert_eq!(house.view(ids[0]).unwrap().verification.vendor_check, None);
    assert_eq!((house.sent(), verify.sent()), (vec!["text"], vec![]));
    for request in [person(&house, "+919876543211"), nobody("+919876543212")] {
        let call_me = SignInStart { selection: Selection::Only(Channel::Voice), ..request };
        let refused = start(&mut house, &engine, caller(&engine), call_me).unwrap_err();
        assert!(
            matches!(refused, StartError::Channel(ChannelRefused::NotConfigured(Channel::Voice))),
            "{refused}"
        );
    }
    assert_eq!(verify.sent(), []);
}

/// The channels that strangers hear of, and whether each can be tried.
fn open(engine: &Engine) -> Vec<(Channel, bool)> {
    engine.channels_now(&stranger(engine), &Purpose::login())
}

#[test]
fn what_holds_for_everybody_is_told_to_everybody() {
    let (mut house, engine) = house();
    assert_eq!(open(&engine), LADDER.map(|channel| (channel, true)));
    let ids = start_both(&mut house, &engine);
    // Whatever goes wrong now stops an account as a whole.
    *house.refusal.lock().unwrap() = Outcome::rejected(Reason::OutOfCredit);
    house.refuses.store(true, Ordering::SeqCst);
    let other = person(&house, "+919876543211");
    started(&mut house, &engine, SignInStart { selection: Selection::Only(Channel::Sms), ..other });
    assert_eq!(open(&engine), [(Channel::Sms, false), (Channel::Whatsapp, true), (Channel::Email, true)]);
    let report = read_alike(&mut house, &engine, ids);
    assert_eq!((report.delivery, report.channel), (DeliveryState::Sent, Channel::Whatsapp));
    let other = person(&house, "+919876543212");
    started(&mut house, &engine, other);
    assert_eq!(open(&engine), LADDER.map(|channel| (channel, false)));
    let report = read_alike(&mut house, &engine, ids);
    assert_eq!((report.delivery, report.channel), (DeliveryState::Undeliverable, Channel::Sms));
}

#[test]
fn what_one_message_changes_is_told_to_nobody() {
    // The vendor refuses one country: only a message that went out finds that out.
    let (mut house, engine) = house();
    *house.refusal.lock().unwrap() = Outcome::rejected_for(Reason::Misconfigured, Scope::Route);
    house.refuses.store(true, Ordering::SeqCst);
    let ids = start_both(&mut house, &engine);
    assert_eq!(house.sent(), ["text", "chat", "mail"]);
    assert_eq!(read_alike(&mut house, &engine, ids).channel, Channel::Sms);
    assert_eq!(open(&engine), LADDER.map(|channel| (channel, true)));

    // The only place of a pace is taken by a message that went out.
    let mut house = House::new(1);
    house.pace = vec![Pace { max: 1, span: Duration::from_secs(3600) }];
    let engine = house.process("shop");
    start_both_on(&mut house, &engine, &[Channel::Sms, Channel::Whatsapp]);
    let more = person(&house, "+919876543211");
    let report = started(&mut house, &engine, more);
    assert_eq!((report.channel, house.sent()), (Channel::Sms, vec!["text", "chat"]));
}

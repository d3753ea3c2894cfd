//! Every key begins with the application: whoever has an id of another application's has nothing.

use backstop_domain::{
    attempt::AttemptState,
    delivery::{Delivery, DeliveryState},
    limit::{LimitName, Limits},
    ports::store::{
        Begun, Canceled, CheckTarget, Checked, Deliveries as _, NewAttempt, Once, OptOuts, Redeemed, Resent,
        SubmittedCheck, VerificationFilter, Verifications as _,
    },
};

use super::World;
use crate::setup::{APP, ASHA, OTHER_APP, at, wait};

#[test]
fn no_act_reaches_across_applications() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "any", at(1));
    let (code, before) = (world.code(id), world.view(id));

    // Whatever another application may know: the ids, the recipient, the code, the worker's own id.
    assert_eq!(wait(world.store.get(OTHER_APP, id)).unwrap(), None);
    assert_eq!(wait(world.store.task(OTHER_APP, id, delivery, world.node)).unwrap(), None);
    let filter = VerificationFilter {
        recipient: Some(world.recipient(ASHA)),
        limit: 10,
        now: at(2),
        ..VerificationFilter::default()
    };
    assert!(wait(world.store.list(OTHER_APP, filter)).unwrap().is_empty());
    let mut check = world.submitted(id, &code, at(2));
    check.application = OTHER_APP;
    assert_eq!(world.try_check(check.clone()).unwrap(), Once::Done(Checked::NotFound));
    check.target = CheckTarget::Recipient { recipient: world.recipient(ASHA), purpose: None };
    assert_eq!(world.try_check(check).unwrap(), Once::Done(Checked::NotFound));
    let mut resend = world.new_resend(id, ASHA, at(100));
    resend.application = OTHER_APP;
    assert_eq!(wait(world.store.resend(resend)).unwrap(), Once::Done(Resent::NotFound));
    assert_eq!(wait(world.store.cancel(OTHER_APP, id, at(2))).unwrap(), Canceled::NotFound);
    let foreign = NewAttempt { application: OTHER_APP, ..world.new_attempt(id, delivery, "any", at(2)) };
    assert_eq!(world.try_begin(foreign), Begun::LeaseLost);
    let mut said = world.said(&attempt, AttemptState::Accepted, "accepted", at(2));
    (said.application, said.delivery_state, said.opt_out) = (OTHER_APP, Some(DeliveryState::Sent), true);
    assert!(wait(world.store.finish_attempt(said)).is_err());
    let theirs = Delivery { application: OTHER_APP, ..before.deliveries[0].clone() };
    wait(world.store.finish(&theirs, DeliveryState::Undeliverable, world.node, at(2))).unwrap();
    let lost = wait(world.store.renew(vec![(OTHER_APP, id, delivery)], world.lease(at(20)))).unwrap();
    assert_eq!(lost, [delivery]);

    assert_eq!(world.view(id), before);
    assert_eq!(world.number("SELECT count(*) FROM opt_outs"), 0);
    assert!(world.answer(id, &code, at(3)).valid);
    assert_eq!(wait(world.store.redeem(OTHER_APP, id, None, at(4))).unwrap(), Redeemed::NotFound);
    assert!(matches!(wait(world.store.redeem(APP, id, None, at(4))).unwrap(), Redeemed::Redeemed { .. }));
}

#[test]
fn one_application_uses_up_nothing_of_anothers() {
    let limits = Limits { recipient_per_hour: 1, checks_per_hour: 1, ..Limits::default() };
    let world = World::with_limits(limits);
    let theirs = |second| world.new_start_with(ASHA, at(second), |row| row.application = OTHER_APP);
    let (id, delivery) = world.start(&theirs(0));
    assert_eq!(world.refused(&theirs(1)).0.limit, LimitName::RecipientPerHour);
    let check = SubmittedCheck { application: OTHER_APP, ..world.submitted(id, "000000", at(1)) };
    assert!(matches!(world.try_check(check.clone()).unwrap(), Once::Done(Checked::Answer { .. })));
    assert!(matches!(world.try_check(check).unwrap(), Once::Done(Checked::Refused(_))));
    let attempt = NewAttempt { application: OTHER_APP, ..world.new_attempt(id, delivery, "any", at(2)) };
    assert_eq!(world.try_begin(attempt.clone()), Begun::Send);
    let mut said = world.said(&attempt, AttemptState::Rejected, "opted_out", at(2));
    said.opt_out = true;
    wait(world.store.finish_attempt(said)).unwrap();

    let (id, delivery) = world.start(&world.new_start(ASHA, at(3)));
    let task = wait(world.store.task(APP, id, delivery, world.node)).unwrap().unwrap();
    assert_eq!(task.opted_out, OptOuts::default());
    assert_eq!(world.answer(id, &world.wrong(id), at(4)).checks_left, 2);
    assert!(matches!(world.check(id, &world.code(id), at(5)), Checked::Refused(_)), "now its own is used up");
}

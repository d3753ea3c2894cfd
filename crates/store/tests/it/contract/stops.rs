//! People who tell us to stop, by channel.

use backstop_domain::{
    channel::Channel,
    ports::store::{Deliveries as _, Once, Opened, OptOuts},
    receipt::InboundWord::{self, Start, Stop},
};

use super::World;
use crate::setup::{APP, ASHA, OTHER_APP, RAVI, at, wait};

impl World {
    fn hears_of(&self, who: &str, channel: Channel, word: InboundWord) {
        wait(self.store.heed(self.recipient(who), channel, word, at(1))).unwrap();
    }

    /// What a start learns of a person's wishes, and whether it sends a first message over this channel.
    fn start_over(&self, who: &str, channel: Channel) -> (OptOuts, bool) {
        let mut new = self.new_start_with(who, at(2), |row| {
            let number = self.number("SELECT count(*) FROM verifications");
            row.purpose = format!("purpose_{number}").parse().unwrap();
        });
        let mut first = self.new_attempt(new.verification.id, new.delivery, "any", at(2));
        first.channel = channel;
        new.first_attempt = Some(first);
        match self.open(&new) {
            Once::Done(Opened::Opened { opted_out, begun, .. }) => (opted_out, begun),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn who_said_stop_gets_nothing_over_that_channel_until_they_say_start() {
    let world = World::new();
    world.hears_of(ASHA, Channel::Sms, Stop);
    world.hears_of(ASHA, Channel::Sms, Stop);
    let stopped = OptOuts { providers: vec![], channels: vec![Channel::Sms] };
    assert_eq!(world.start_over(ASHA, Channel::Sms), (stopped.clone(), false));
    assert_eq!(world.start_over(ASHA, Channel::Whatsapp), (stopped, true), "that channel alone");
    assert_eq!(world.start_over(RAVI, Channel::Sms), (OptOuts::default(), true), "that person alone");
    world.hears_of(ASHA, Channel::Whatsapp, Start);
    assert!(!world.start_over(ASHA, Channel::Sms).1, "start over another channel is not start");
    world.hears_of(ASHA, Channel::Sms, Start);
    world.hears_of(ASHA, Channel::Sms, Start);
    assert_eq!(world.start_over(ASHA, Channel::Sms), (OptOuts::default(), true));
}

#[test]
fn stop_holds_for_every_application_and_an_opt_out_of_a_provider_for_its_own() {
    let world = World::new();
    world.hears_of(ASHA, Channel::Sms, Stop);
    world.hears_of(ASHA, Channel::Voice, Stop);
    let recipient = "SELECT recipient FROM stops LIMIT 1";
    world.execute(&format!("INSERT INTO opt_outs SELECT 1, ({recipient}), 'any', 0"));
    let seen_by = |application| {
        let new = world.new_start_with(ASHA, at(2), |row| row.application = application);
        let (verification, delivery) = world.start(&new);
        let task = wait(world.store.task(application, verification, delivery, world.node)).unwrap();
        task.unwrap().opted_out
    };
    let channels = vec![Channel::Sms, Channel::Voice];
    assert_eq!(seen_by(APP), OptOuts { providers: vec!["any".into()], channels: channels.clone() });
    assert_eq!(seen_by(OTHER_APP), OptOuts { providers: vec![], channels });
}

//! The development inbox: what it shows, how long, and who hears of it.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    ports::{Inbox, Provider, inbox::Outage},
};
use backstop_providers::{
    DevInbox,
    registry::{ProviderConfig, build},
};
use serde_json::json;

use crate::harness::{self, config, shared};

fn pretend(names: &[&str]) -> (Arc<DevInbox>, Vec<Arc<dyn Provider>>) {
    let shared = shared();
    let providers = names
        .iter()
        .map(|name| {
            let config = ProviderConfig { name: (*name).to_owned(), ..config("dev-inbox", json!({})) };
            build(&config, &shared).unwrap()
        })
        .collect();
    (shared.inbox.unwrap(), providers)
}

#[tokio::test]
async fn a_message_is_shown_in_full_newest_first() {
    let (inbox, providers) = pretend(&["sms-one", "sms-two"]);
    providers[0].send(&harness::sms()).await;
    providers[1].send(&harness::message(Channel::Sms, "+919876543210")).await;
    let messages = inbox.messages(10);
    assert_eq!(messages.iter().map(|m| m.provider.as_str()).collect::<Vec<_>>(), ["sms-two", "sms-one"]);
    assert_eq!((messages[1].to.as_str(), messages[1].code.as_str()), (harness::PHONE, harness::CODE));
    assert_eq!(messages[1].text, harness::TEXT);
    assert_eq!(messages[1].at, harness::NOW);
    assert_eq!(inbox.messages(1).len(), 1);
    inbox.clear();
    assert!(inbox.messages(10).is_empty());
}

#[tokio::test]
async fn only_the_newest_thousand_are_kept() {
    let (inbox, providers) = pretend(&["sms-one"]);
    for _ in 0..1010 {
        providers[0].send(&harness::sms()).await;
    }
    assert_eq!(inbox.messages(usize::MAX).len(), 1000);
}

#[tokio::test]
async fn a_switch_breaks_one_provider_and_not_the_other() {
    let (inbox, providers) = pretend(&["sms-one", "sms-two"]);
    assert!(inbox.switch("sms-one", Outage::Refuses));
    assert!(!inbox.switch("nobody", Outage::Refuses));
    assert_eq!(providers[0].send(&harness::sms()).await.outcome.as_str(), "unavailable");
    assert_eq!(providers[1].send(&harness::sms()).await.outcome.as_str(), "accepted");
    assert!(!providers[0].check_up().await.well);
    assert!(providers[1].check_up().await.well);
    let known = inbox.providers();
    assert_eq!(
        known.iter().map(|p| (p.name.as_str(), p.outage)).collect::<Vec<_>>(),
        [("sms-one", Outage::Refuses), ("sms-two", Outage::Works)]
    );
}

#[tokio::test]
async fn whoever_waits_hears_of_every_change_and_of_no_other() {
    let (inbox, providers) = pretend(&["sms-one"]);
    let seen = inbox.version();
    let mut waiting = inbox.changed(seen);
    assert!(futures::poll!(&mut waiting).is_pending());
    providers[0].send(&harness::sms()).await;
    waiting.await;
    assert_ne!(inbox.version(), seen);
    inbox.changed(seen).await;
}

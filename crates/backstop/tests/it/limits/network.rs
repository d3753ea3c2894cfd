//! Limits by network: what is counted, and for whom.

use serde_json::json;

use super::{ASHA, MEERA, RAVI, refused, start};
use crate::harness::{AnyChannel, Program, shop, visitor};

#[tokio::test]
async fn one_network_starts_no_more_than_its_number_and_gets_it_back_for_whoever_gets_in() {
    let (gateway, mut program) = shop("[limits]\nnetwork_per_hour = 2").await;
    let from = |ip: &str, to: &str| json!({"to": to, "client": {"ip": ip}});
    let caller = program.shop();
    let first = caller.start(from("2001:db8:1:2::1", ASHA)).await.text("id");
    caller.start(from("2001:db8:1:2:ffff::9", RAVI)).await.expect(201);
    let wait = refused(&caller.start(from("2001:db8:1:2::3", MEERA)).await, "network_per_hour");
    assert!((3500..=3600).contains(&wait), "{wait}");
    caller.start(from("2001:db8:1:3::1", MEERA)).await.expect(201);
    caller.start(json!({"to": MEERA})).await.expect(201);

    let code = gateway.code(&first).await;
    assert_eq!(caller.check(&first, &code).await.expect(200)["valid"], true);
    program.kill();
    program.start();
    let caller = program.shop();
    caller.start(from("2001:db8:1:2::3", "+919876543212")).await.expect(201);
    refused(&caller.start(from("2001:db8:1:2::3", "+919876543213")).await, "network_per_hour");
}

#[tokio::test]
async fn a_page_is_counted_by_its_peer_whatever_it_says_of_itself() {
    let (gateway, program) = shop("[limits]\nnetwork_per_hour = 2").await;
    let page = visitor(&program);
    let first = start(&page, ASHA, "login").await.text("id");
    start(&page.with("x-forwarded-for", "203.0.113.1"), RAVI, "login").await.expect(201);
    refused(&start(&page.with("x-forwarded-for", "203.0.113.2"), MEERA, "login").await, "network_per_hour");
    start(&program.shop(), MEERA, "login").await.expect(201);
    let code = gateway.code(&first).await;
    assert_eq!(page.check(&first, &code).await.expect(200)["valid"], true);
    start(&page, MEERA, "login").await.expect(201);
    refused(&start(&page, "+919876543214", "login").await, "network_per_hour");
}

#[tokio::test]
async fn behind_our_own_proxy_a_page_is_counted_by_the_address_that_the_proxy_saw() {
    let gateway = AnyChannel::start().await;
    let config = format!(
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[limits]\nnetwork_per_hour = 1\n[[application]]\nname = \"shop\"\n\
         secret_key = \"sk_shop_0123456789abcdef\"\npublishable_key = \"pk_shop_0123456789abcdef\"\n\
         origins = [\"https://shop.example\"]\npublic_purposes = [\"login\"]\n{}",
        gateway.provider("gateway", &["sms"])
    );
    let program = Program::launch(Some(&config), &[]);
    let page = visitor(&program);
    start(&page.with("x-forwarded-for", "203.0.113.1"), ASHA, "login").await.expect(201);
    start(&page.with("x-forwarded-for", "203.0.113.2"), ASHA, "login").await.expect(201);
    // What stands left of the proxy's own word anybody can write.
    let forged = page.with("x-forwarded-for", "198.51.100.7, 203.0.113.1");
    refused(&start(&forged, RAVI, "login").await, "network_per_hour");
}

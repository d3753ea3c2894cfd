//! Where codes may be sent, by numbering region.

use serde_json::json;

use super::ASHA;
use crate::harness::{AnyChannel, Program, raw::rows, shop};

#[tokio::test]
async fn codes_go_to_the_regions_on_the_list_and_not_to_all_that_share_their_calling_code() {
    let (_gateway, program) = shop("").await;
    let caller = program.shop();
    for number in ["+18765550123", "+12423591234", "+447400123456", "+4915112345678"] {
        let answer = caller.start(json!({"to": number})).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (422, &json!("country_not_allowed")),
            "{number}"
        );
        let fallback = json!({"to": ASHA, "fallback_to": {"whatsapp": number}});
        assert_eq!(
            caller.start(fallback).await.body["code"],
            "country_not_allowed",
            "{number} as a fallback"
        );
    }
    for number in
        ["+19002345678", "+881612345678", "+979123456789", "+91987654321", "+1415555012", "4155550123"]
    {
        let answer = caller.start(json!({"to": number})).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (400, &json!("invalid_recipient")),
            "{number}"
        );
        assert!(!answer.body.to_string().contains(&number[2..]), "no refusal repeats the number");
    }
    assert_eq!(rows(&program, "verifications"), 0);
}

#[tokio::test]
async fn a_channel_island_is_not_britain_and_an_allowed_country_is_reached() {
    let gateway = AnyChannel::start().await;
    let config = format!(
        "[countries]\nallow = [\"GB\"]\ndefault_region = \"GB\"\n[[application]]\nname = \"shop\"\n\
         secret_key = \"sk_shop_0123456789abcdef\"\n{}",
        gateway.provider("gateway", &["sms"])
    );
    let program = Program::launch(Some(&config), &[]);
    for number in ["+447911123456", "07911 123456", "+441481960194"] {
        assert_eq!(
            program.shop().start(json!({"to": number})).await.body["code"],
            "country_not_allowed",
            "{number}"
        );
    }
    let id = program.shop().start(json!({"to": "07400 123456"})).await.text("id");
    assert_eq!(gateway.message(&id, 1).await["to"], "+447400123456");
}

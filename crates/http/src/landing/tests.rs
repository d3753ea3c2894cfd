use super::*;
use crate::{
    dev::tests::FakeDesk,
    page::tests::{assert_well_kept, get_from},
};

#[tokio::test]
async fn production_says_its_name_and_nothing_else() {
    let page = get_from(&router(None), "/").await;
    assert_well_kept(&page);
    let words: String = page
        .body
        .split('<')
        .skip(1)
        .filter_map(|tag| tag.split_once('>'))
        .filter(|(tag, _)| !tag.starts_with("title"))
        .map(|(_, text)| text.trim())
        .collect();
    assert_eq!(words, "Backstop");
    assert!(!page.body.contains(env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn development_shows_where_everything_is_and_a_command_that_works_as_printed() {
    let page = get_from(&router(Some(FakeDesk::standing())), "/").await;
    assert_well_kept(&page);
    let shown = page.body.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&#x27;", "'");
    for place in ["/v1", "/dev/inbox", "/docs", "/openapi.json"] {
        assert!(shown.contains(&format!("http://127.0.0.1:8080{place}</a>")), "{place}");
    }
    let command = first_command("http://127.0.0.1:8080");
    assert_eq!(
        command,
        "curl -s http://127.0.0.1:8080/v1/verifications -u dev:sk_dev -H 'content-type: application/json' \
         -d '{\"to\":\"+14155550123\"}'"
    );
    assert!(shown.contains(&command));
}

//! Bodies that two parsers could read differently.

use serde::Deserialize;

use super::parse;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[expect(dead_code, reason = "only whether it can be read matters")]
    text: Option<String>,
    number: Option<u8>,
    #[expect(dead_code, reason = "only whether it can be read matters")]
    any: Option<serde_json::Map<String, serde_json::Value>>,
}

fn read(text: &[u8]) -> String {
    match parse::<Form>(text) {
        Ok(_) => "read".to_owned(),
        Err(problem) => problem.code().as_str().to_owned(),
    }
}

fn nested(levels: usize) -> String {
    format!(r#"{{"any":{}1{}}}"#, r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    for (text, expected) in [
        (r#"{}"#, "read"),
        (r#" {"text":"a","number":255} "#, "read"),
        (r#"{"text":null}"#, "read"),
        (r#"{"text":"a","text":"a"}"#, "invalid_json"),
        (r#"{"text":"a","te\u0078t":"b"}"#, "invalid_json"),
        (r#"{"any":{"b":{"c":1,"c":2}}}"#, "invalid_json"),
        (r#"{"any":{"b":[{"c":1,"c":2}]}}"#, "invalid_json"),
        (r#"{"number":NaN}"#, "invalid_json"),
        (r#"{"number":Infinity}"#, "invalid_json"),
        (r#"{"number":1e400}"#, "invalid_json"),
        (r#"{"any":{"n":1e400}}"#, "invalid_json"),
        (r#"{"number":18446744073709551616}"#, "invalid_json"),
        (r#"{"any":{"n":18446744073709551616}}"#, "invalid_json"),
        (r#"{"number":-1}"#, "invalid_request"),
        (r#"{"number":256}"#, "invalid_request"),
        (r#"{"number":6.0}"#, "invalid_request"),
        (r#"{"number":"6"}"#, "invalid_request"),
        (r#"{"number":true}"#, "invalid_request"),
        (r#"{"number":01}"#, "invalid_json"),
        (r#"{"text":6}"#, "invalid_request"),
        (r#"{"text":["a"]}"#, "invalid_request"),
        (r#"{"Text":"a"}"#, "invalid_request"),
        (r#"["a",1,null]"#, "invalid_request"),
        (r#"null"#, "invalid_request"),
        (r#""text""#, "invalid_request"),
        (r#"{"text":"a",}"#, "invalid_json"),
        (r#"{"text":"a"} {}"#, "invalid_json"),
        (r#"{"text":"a"}//"#, "invalid_json"),
        (r#"{'text':'a'}"#, "invalid_json"),
        (r#"{"text":"\ud800"}"#, "invalid_json"),
        ("{\"text\":\"\u{1}\"}", "invalid_json"),
        ("\u{feff}{}", "invalid_json"),
        ("", "invalid_json"),
    ] {
        assert_eq!(read(text.as_bytes()), expected, "{text}");
    }
    assert_eq!(read(b"{\"text\":\"\xff\"}"), "invalid_json");
    assert_eq!(read(b"{\"text\":\"\xc0\xaf\"}"), "invalid_json");
}

#[test]
fn sixteen_levels_pass_and_seventeen_do_not() {
    assert_eq!(read(nested(15).as_bytes()), "read");
    assert_eq!(read(nested(16).as_bytes()), "invalid_json");
    assert_eq!(read(nested(5000).as_bytes()), "invalid_json");
    assert_eq!(read("[".repeat(30_000).as_bytes()), "invalid_json");
}

#[test]
fn a_refusal_names_the_field_and_what_belongs_there() {
    let told =
        |text: &str| format!("{:?}", parse::<Form>(text.as_bytes()).map(|form| form.number).unwrap_err());
    assert!(told(r#"{"number":"6"}"#).contains("`number` must be u8"), "{}", told(r#"{"number":"6"}"#));
    assert!(told(r#"{"x":1}"#).contains("it takes one of `text`, `number`, `any`"), "{}", told(r#"{"x":1}"#));
}

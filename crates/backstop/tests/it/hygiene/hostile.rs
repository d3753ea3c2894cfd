//! Some hundreds of hostile requests, and one good one after them.

use serde_json::json;

use crate::harness::{
    program::Answer,
    raw::{rows, say, status},
    shop,
};

#[tokio::test]
async fn nothing_hostile_breaks_it_and_the_next_caller_is_served() {
    let (_gateway, program) = shop("").await;
    let nasty = [
        "",
        " ",
        "\0",
        "\u{202e}",
        "\u{feff}",
        "😀",
        "'",
        "\"",
        "\\",
        "`",
        "$(id)",
        "{{7*7}}",
        "%s%n",
        "%00",
        "%ff",
        "../../etc/passwd",
        "' OR 1=1 --",
        "1; DROP TABLE verifications",
        "<script>alert(1)</script>",
        "+1(415)555\u{660}123",
        "+０１２３４５６７８９",
        "a@b",
        "@",
        "a@@b.example",
        "\"a b\"@example.com",
        "asha@[127.0.0.1]",
        "аsha@exаmple.com",
        "+1415555012345678901234",
        "+",
        "+0",
        "-1",
        "1e9",
        "true",
        "null",
        "NaN",
        "99999999999999999999999999",
        "ver_",
        "\r\nx: y",
    ];
    let caller = program.shop();
    let mut worst = 0;
    let mut tried = 0;
    let mut seen = |answer: &Answer, what: &str| {
        let code = answer.status.as_u16();
        assert!(code < 500 && code != 201, "{what}: {code} {:#}", answer.body);
        worst = worst.max(code);
        tried += 1;
    };
    let long = "x".repeat(20_000);
    for text in nasty.into_iter().chain([long.as_str()]) {
        for field in ["to", "channel", "prefer", "purpose", "locale", "custom_code"] {
            let mut body = json!({"to": "not a recipient"});
            body[field] = json!(text);
            seen(&caller.start(body).await, field);
        }
        for body in [
            json!({"to": "x", "fallback_to": {text: text}}),
            json!({"to": "x", "channels": [text]}),
            json!({"to": "x", "client": {"ip": text, "user_agent": text}}),
            json!({"to": "x", "transaction": {"amount": text, "payee": text}, "metadata": {text: text}, "session": text}),
            json!({text: text}),
        ] {
            seen(&caller.start(body).await, text);
        }
        let id = "ver_00000000000000000000000000000000000";
        seen(&caller.check(id, text).await, text);
        seen(
            &caller.post("/v1/verifications/check", json!({"to": text, "code": text, "purpose": text})).await,
            text,
        );
        seen(&caller.post(&format!("/v1/verifications/{id}/resend"), json!({"channel": text})).await, text);
        seen(&caller.post(&format!("/v1/verifications/{id}/redeem"), json!({"purpose": text})).await, text);
    }
    assert!(tried > 200 && worst < 500);
    let heads: Vec<Vec<u8>> = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/9.9\r\nhost: x\r\n\r\n",
        "GET  / HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET /v1/verifications?%zz=%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET /v1/verifications?limit=%00 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET //evil.example/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET /docs/../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET /assets/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nno colon\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nbad name: y\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\nconnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello",
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\nconnection: close\r\n\r\n0\r\n\r\n",
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\nconnection: close\r\n\r\n0\r\n\r\n",
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n",
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \u{ff}\r\nconnection: close\r\n\r\n",
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\nauthorization: Basic Og==\r\nconnection: close\r\n\r\n",
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\norigin: \u{ff}\r\nconnection: close\r\n\r\n",
        "hello\r\n\r\n",
        "\r\n\r\n\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([
        format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "a".repeat(30_000)).into_bytes(),
        format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{}\r\n", "a: b\r\n".repeat(90)).into_bytes(),
        format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\na: {}\r\n\r\n", "b".repeat(40_000)).into_bytes(),
    ])
    .collect();
    let answers = futures::future::join_all(heads.iter().map(|head| say(&program, head))).await;
    for (head, answer) in heads.iter().zip(answers) {
        let text = String::from_utf8_lossy(&head[..head.len().min(80)]).into_owned();
        assert!(status(&answer) < 500 || status(&answer) == 505, "{text:?}: {answer}");
        assert!(!answer.contains("root:") && !answer.contains("panicked"), "{text:?}: {answer}");
    }
    assert_eq!(rows(&program, "verifications"), 0);
    assert!(!program.log().contains("panicked"));
    caller.start(json!({"to": "+14155550123"})).await.expect(201);
}

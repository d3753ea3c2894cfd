//! Plivo's signature, version 3. <https://www.plivo.com/docs/messaging/concepts/signature-validation>, read 2026-11.
//!
//! HMAC-SHA-256 with the account's token over the address, its query and the form, all sorted, and a nonce. The nonce is no
//! time and nothing here remembers it: a replay is possible and harmless, since states only move forward. Version 2
//! covers neither query nor form, so it is no proof of anything and not taken.

use backstop_domain::{
    ports::provider::{Callback, CallbackRefused},
    secret::SecretString,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The account's signature, and the main account's. Some messages carry the second alone.
const HEADERS: [&str; 2] = ["x-plivo-signature-v3", "x-plivo-signature-ma-v3"];

/// Whether a callback is Plivo's.
pub(super) fn verify(token: &SecretString, callback: &Callback) -> Result<(), CallbackRefused> {
    let nonce = callback.header("x-plivo-signature-v3-nonce").ok_or(CallbackRefused::Forged("no nonce"))?;
    let text = signed_text(&callback.url, &pairs(&callback.body), nonce);
    // Each header may list several.
    let said = HEADERS.iter().filter_map(|name| callback.header(name)).flat_map(|list| list.split(','));
    let fits = said.filter_map(|one| STANDARD.decode(one.trim()).ok()).any(|signature| {
        Hmac::<Sha256>::new_from_slice(token.expose().as_bytes())
            .is_ok_and(|mac| mac.chain_update(text.as_bytes()).verify_slice(&signature).is_ok())
    });
    if fits { Ok(()) } else { Err(CallbackRefused::Forged("no signature that fits")) }
}

/// What is signed. Values are decoded: `…/path?a=1&b=2.c3d4.nonce`.
fn signed_text(url: &str, form: &[(String, String)], nonce: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let query: Vec<String> =
        pairs(query.as_bytes()).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let form: String = form.iter().map(|(name, value)| format!("{name}{value}")).collect();
    let mark = if query.is_empty() && form.is_empty() { "" } else { "?" };
    let dot = if query.is_empty() || form.is_empty() { "" } else { "." };
    format!("{address}{mark}{}{dot}{form}.{nonce}", query.join("&"))
}

/// The fields of a form or a query, sorted by name and then by value.
fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(encoded).into_owned().collect();
    pairs.sort();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verifies(token: &str, url: &str, nonce: &str, header: &str, signature: &str, body: &str) -> bool {
        let headers = [("x-plivo-signature-v3-nonce", nonce), (header, signature)];
        let callback = Callback {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: body.as_bytes().to_vec(),
        };
        verify(&SecretString::new(token), &callback).is_ok()
    }

    const TOKEN: &str = "plivo_token_example";
    const NONCE: &str = "20260102030405";
    const URL: &str = "https://otp.example.net/receipts/plivo";
    const FORM: &str = "To=919876543210&From=BCKSTP&Status=delivered\
        &MessageUUID=6f1e2d3c-0000-4000-8000-000000000001&ErrorCode=000";

    #[test]
    fn what_plivos_own_library_signs_verifies_and_nothing_else() {
        let queried = &format!("{URL}?k=v&a=1");
        for (url, signature, body) in [
            (URL, "75UXvMTGvpsLwOmWn0FhtPI+CxbLYmWpzkj7YvfVghw=", FORM),
            (queried, "sFHer8iR9ZLe0uuPhjUfILKP9eqvTI4/Fn1Oye62194=", FORM),
            (queried, "gz8JNCk5bkwdt/6rL6fIqX95UcgGreLoJSSM0pF+yas=", ""),
        ] {
            let v3 = "x-plivo-signature-v3";
            assert!(verifies(TOKEN, url, NONCE, v3, signature, body), "{url}");
            assert!(verifies(TOKEN, url, NONCE, v3, &format!("eHh4, {signature}"), body), "{url}");
            assert!(verifies(TOKEN, url, NONCE, "x-plivo-signature-ma-v3", signature, body), "{url}");
            assert!(!verifies("another", url, NONCE, v3, signature, body), "{url}");
            assert!(!verifies(TOKEN, url, "20260102030406", v3, signature, body), "{url}");
            assert!(!verifies(TOKEN, &url.replace("plivo", "other"), NONCE, v3, signature, body), "{url}");
            assert!(!verifies(TOKEN, url, NONCE, v3, signature, &format!("{body}&Status=failed")), "{url}");
            assert!(!verifies(TOKEN, url, NONCE, "x-plivo-signature-v2", signature, body), "{url}");
        }
        let signature = "CAaGFIOZM2Ws09DpttwL+pxs1URFzVdO8J+gkRWFo5I=";
        assert!(verifies("tok", "https://a.example/x/y", "n1", "x-plivo-signature-v3", signature, "z=1&c=q"));
    }
}

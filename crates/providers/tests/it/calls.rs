//! What a call says: a vendor asks at the address of an attempt, and is answered in its own language.

use backstop_domain::{
    channel::Channel,
    code::Code,
    ports::provider::{Callback, CallbackRefused, Reply},
    template::{Values, spoken_call},
};

use crate::harness::{self, CODE, settings};

/// The answer of a provider of this kind to a vendor that posts `body`.
pub(crate) fn speak(
    kind: &str,
    locale: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Reply, CallbackRefused> {
    let message = harness::message(Channel::Voice, harness::PHONE);
    let address = message.links.voice.unwrap().expose().to_owned();
    let callback = Callback {
        method: "POST".to_owned(),
        url: address.clone(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.as_bytes().to_vec(),
    };
    let values =
        Values { brand: "Acme & Sons", ttl: message.expires_in, transaction: None, locale: Some(locale) };
    let script = spoken_call(&Code::custom(CODE).unwrap(), &values);
    let provider = harness::try_build(kind, settings(kind, "https://vendor.example")).unwrap();
    provider.speaker().unwrap().speak(&callback, &script, &address)
}

/// The same as text, a verb a line.
pub(crate) fn said(kind: &str, locale: &str, headers: &[(&str, &str)], body: &str) -> String {
    let reply = speak(kind, locale, headers, body).unwrap();
    assert_eq!((reply.status, reply.content_type), (200, "text/xml"));
    reply.body.replace("><", ">\n<")
}

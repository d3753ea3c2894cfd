//! What a loopback Twilio says later, signed as Twilio signs it, or forged as a test says.
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-security>

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::vendor::{ACCOUNT, TOKEN};

/// A callback to the program. Signed when it is posted, unless the test gave it a signature.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    url: String,
    form: BTreeMap<String, String>,
    signature: Signature,
}

#[derive(Debug, Clone)]
enum Signature {
    Right,
    Wrong(&'static str),
    None,
}

impl Callback {
    /// A form to an address.
    pub(crate) fn to(url: &str, form: &[(&str, &str)]) -> Self {
        let form = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { url: url.to_owned(), form: form.collect(), signature: Signature::Right }
    }

    /// About a message or call that came with this form, to the address that the form gave: a status, and after a space the
    /// vendor's error code.
    pub(super) fn about(sent: &BTreeMap<String, String>, sid: &str, said: &str) -> Self {
        let (status, error) =
            said.split_once(' ').map_or((said, None), |(status, error)| (status, Some(error)));
        let url = sent.get("StatusCallback").expect("it was told where receipts go");
        let kind = if sid.starts_with("CA") { "Call" } else { "Message" };
        let (sid_name, status_name) = (format!("{kind}Sid"), format!("{kind}Status"));
        let mut form = vec![
            (sid_name.as_str(), sid),
            (status_name.as_str(), status),
            ("To", sent["To"].as_str()),
            ("From", sent["From"].as_str()),
            ("AccountSid", ACCOUNT),
        ];
        form.extend(error.map(|error| ("ErrorCode", error)));
        Self::to(url, &form)
    }

    /// The same to another address, signed for that one.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The same with another value in a field.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut callback = self.clone();
        callback.form.insert(name.to_owned(), value.to_owned());
        callback
    }

    /// The same without a signature.
    pub(crate) fn unsigned(&self) -> Self {
        Self { signature: Signature::None, ..self.clone() }
    }

    /// The same with a signature that is none of this account's.
    pub(crate) fn forged(&self, signature: &'static str) -> Self {
        Self { signature: Signature::Wrong(signature), ..self.clone() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Posts it. Gives the status and the body of the answer.
    pub(crate) async fn post(&self) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.post(&self.url).form(&self.form);
        match self.signature {
            Signature::Right => request = request.header("x-twilio-signature", self.signature()),
            Signature::Wrong(signature) => request = request.header("x-twilio-signature", signature),
            Signature::None => {}
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Posts it; it must be taken.
    pub(crate) async fn taken(&self) {
        let (status, body) = self.post().await;
        assert_eq!(status, 200, "{}: {body}", self.url);
    }

    /// HMAC-SHA-1 under the account's token over the address and the fields in the order of their names.
    pub(crate) fn signature(&self) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).unwrap();
        mac.update(self.url.as_bytes());
        for (name, value) in &self.form {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

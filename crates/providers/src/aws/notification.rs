//! What an SNS topic posts to us. <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>, read
//! 2026-11.
//!
//! The guarantee: nothing is fetched for and nothing is believed of any topic but the configured one; a certificate and a
//! confirmation are fetched from SNS in the topic's own region alone, over https, and never after a redirect. What is older
//! than SNS tries to deliver is refused. Certificates that verified something are kept, so that a receipt costs no fetch.

use std::{sync::Arc, time::Duration};

use aws_smithy_types::{DateTime, date_time::Format};
use backstop_domain::{clock::Timestamp, ports::provider::CallbackRefused};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use reqwest::Url;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;
use x509_cert::der::Decode;

use super::account;
use crate::{address::is_loopback_host, exchange::HttpResponse};

/// SNS tries again for about an hour, and each try carries the first one's time.
const OLDEST: Duration = Duration::from_secs(2 * 60 * 60);
/// How far its clock may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(5 * 60);
/// SNS has one certificate at a time and changes it about once a year.
const CERTIFICATES: usize = 4;

/// The one topic that is listened to.
pub(crate) struct Topic {
    arn: String,
    /// Where SNS serves certificates and takes confirmations.
    host: String,
    /// The address of an emulator on this machine, which serves them too.
    emulator: Option<Url>,
    /// Keys that verified something lately, by the address of their certificate.
    keys: Mutex<Vec<(String, Arc<[u8]>)>>,
}

/// What a post tells or needs.
pub(crate) enum Read {
    /// What was published.
    Message(String),
    /// A subscription began or ended.
    Handshake,
    /// This must be fetched first.
    Fetch(Url),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    r#type: String,
    message_id: String,
    topic_arn: String,
    message: String,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
    subject: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    token: Option<String>,
}

impl Topic {
    /// The topic of this name; `None` if it is not one. `base` is the address that mails are handed over to.
    pub(crate) fn new(arn: &str, base: &Url) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", _, "sns", region, _, name] = parts.as_slice() else { return None };
        if !account::is_region(region) || name.is_empty() {
            return None;
        }
        let emulator = base.host_str().is_some_and(is_loopback_host).then(|| base.clone());
        let host = account::host("sns", region);
        Some(Self { arn: arn.to_owned(), host, emulator, keys: Mutex::default() })
    }

    /// Verifies a post and reads it. `fetched` holds the answers to [`Read::Fetch`], in order.
    ///
    /// # Errors
    /// If it is not of this topic, or cannot be read or judged.
    pub(crate) fn read(
        &self,
        body: &[u8],
        fetched: &[HttpResponse],
        at: Timestamp,
    ) -> Result<Read, CallbackRefused> {
        let envelope: Envelope =
            serde_json::from_slice(body).map_err(|_| CallbackRefused::Unreadable("no message of SNS"))?;
        if envelope.topic_arn != self.arn {
            return Err(CallbackRefused::Forged("another topic"));
        }
        if !is_fresh(&envelope.timestamp, at) {
            return Err(CallbackRefused::Forged("too old"));
        }
        // A confirmation always fetches the certificate, so that what comes second is known to be SNS's answer.
        let is_notification = envelope.r#type == "Notification";
        let kept = self.kept(&envelope.signing_cert_url).filter(|_| is_notification);
        let key = match (kept, fetched.first()) {
            (Some(key), _) => key,
            (None, Some(certificate)) => public_key(certificate)
                .ok_or_else(|| CallbackRefused::NotNow("no certificate came".to_owned()))?,
            (None, None) => {
                let url = self
                    .of_sns(&envelope.signing_cert_url)
                    .filter(|url| url.path().ends_with(".pem"))
                    .ok_or(CallbackRefused::Forged("a certificate from elsewhere"))?;
                return Ok(Read::Fetch(url));
            }
        };
        if !envelope.is_signed_with(&key) {
            return Err(CallbackRefused::Forged("another signature"));
        }
        self.keep(envelope.signing_cert_url, key);
        match (envelope.r#type.as_str(), envelope.subscribe_url, fetched.get(1)) {
            ("Notification", ..) => Ok(Read::Message(envelope.message)),
            ("SubscriptionConfirmation", Some(url), None) => {
                let url = self.of_sns(&url).ok_or(CallbackRefused::Forged("a confirmation elsewhere"))?;
                Ok(Read::Fetch(url))
            }
            ("SubscriptionConfirmation", Some(_), Some(answer)) if answer.is_success() => Ok(Read::Handshake),
            ("SubscriptionConfirmation", Some(_), Some(answer)) => {
                Err(CallbackRefused::NotNow(format!("the confirmation was answered {}", answer.status)))
            }
            ("UnsubscribeConfirmation", ..) => {
                tracing::warn!("an SNS topic was told to post to us no more: receipts end");
                Ok(Read::Handshake)
            }
            _ => Err(CallbackRefused::Unreadable("an unknown type of message")),
        }
    }

    /// The address, if it is one of SNS in the topic's region, or of the emulator on this machine.
    fn of_sns(&self, text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        let is_sns =
            url.scheme() == "https" && url.port().is_none() && url.host_str() == Some(self.host.as_str());
        let is_emulator = self.emulator.as_ref().is_some_and(|base| base.origin() == url.origin());
        (plain && (is_sns || is_emulator)).then_some(url)
    }

    fn kept(&self, url: &str) -> Option<Arc<[u8]>> {
        self.keys.lock().iter().find(|(known, _)| known == url).map(|(_, key)| Arc::clone(key))
    }

    fn keep(&self, url: String, key: Arc<[u8]>) {
        let mut keys = self.keys.lock();
        if !keys.iter().any(|(known, _)| *known == url) {
            if keys.len() == CERTIFICATES {
                keys.remove(0);
            }
            keys.push((url, key));
        }
    }
}

impl Envelope {
    fn is_signed_with(&self, key: &[u8]) -> bool {
        let algorithm = match self.signature_version.as_str() {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            _ => return false,
        };
        let Ok(signature) = STANDARD.decode(&self.signature) else { return false };
        UnparsedPublicKey::new(algorithm, key).verify(self.signed().as_bytes(), &signature).is_ok()
    }

    /// Name and value of each signed field, a line each.
    fn signed(&self) -> String {
        let field = |name: &'static str, value: &str| format!("{name}\n{value}\n");
        let maybe = |name, value: &Option<String>| value.as_deref().map(|value| field(name, value));
        let is_notification = self.r#type == "Notification";
        let subject = maybe("Subject", &self.subject).filter(|_| is_notification);
        let subscribe = maybe("SubscribeURL", &self.subscribe_url).filter(|_| !is_notification);
        let token = maybe("Token", &self.token).filter(|_| !is_notification);
        [
            Some(field("Message", &self.message)),
            Some(field("MessageId", &self.message_id)),
            subject,
            subscribe,
            Some(field("Timestamp", &self.timestamp)),
            token,
            Some(field("TopicArn", &self.topic_arn)),
            Some(field("Type", &self.r#type)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn is_fresh(timestamp: &str, at: Timestamp) -> bool {
    let Ok(said) = DateTime::from_str(timestamp, Format::DateTime) else { return false };
    let Ok(said) = said.to_millis().map(Timestamp::from_millis) else { return false };
    at.since(said) <= OLDEST && said.since(at) <= AHEAD
}

/// The key of a certificate in PEM.
fn public_key(answer: &HttpResponse) -> Option<Arc<[u8]>> {
    let pem = answer.bytes().filter(|_| answer.is_success())?;
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    let certificate = x509_cert::Certificate::from_der(&der).ok()?;
    let key = certificate.tbs_certificate.subject_public_key_info.subject_public_key;
    key.as_bytes().map(Arc::from)
}

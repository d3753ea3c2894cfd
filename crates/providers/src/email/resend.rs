//! Resend. <https://resend.com/docs/api-reference/emails/send-email> and its "Errors", read 2026-11.
//!
//! Each mail carries the attempt's id as an idempotency key: nothing on the way makes two of it. Our name for the attempt goes
//! along as a tag and comes back in webhooks, signed by the Standard Webhooks scheme under Svix's names.

use backstop_domain::ports::provider::NoticeMail;
use http::HeaderName;
use lettre::message::Mailbox;

use crate::{
    email::{AUTOMATIC, Mail, REFERENCE, mailbox, one_line, rejection, word},
    prelude::*,
    webhook::signature::SigningKey,
};

/// The kind `resend`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "resend",
    channels: &[Channel::Email],
    summary: "Resend mail",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::secret("api_key", "an API key that may send").required(),
        KeyInfo::text("from", "the sender, as Acme <login@acme.example>").required(),
        KeyInfo::text("reply_to", "where answers go, if not to from"),
        KeyInfo::secret(
            "webhook_secret",
            "whsec_..., of the webhook to us; without it there are no receipts",
        ),
        KeyInfo::text("base_url", "the API's address; https://api.resend.com unless set"),
        usual::PLAIN_HTTP,
    ],
    sample: r#"[[provider]]
name = "resend"
kind = "resend"
channels = ["email"]
api_key_file = "/run/secrets/resend"
from = "Acme <login@acme.example>"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    api_key: SecretString,
    from: String,
    reply_to: Option<String>,
    webhook_secret: Option<SecretString>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Resend {
    base: Url,
    authorization: HeaderValue,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    webhooks: Option<SigningKey>,
    secrets: Vec<SecretString>,
}

fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    let key = config.webhook_secret.as_ref().map(|secret| {
        let fix = "copy the signing secret of the webhook from Resend's dashboard";
        SigningKey::parse(secret).ok_or_else(|| draft.wrong("webhook_secret", "is no signing secret", fix))
    });
    Ok(Arc::new(draft.over_http(Resend {
        base: draft.base_url(config.base_url.as_deref(), "https://api.resend.com", config.plain_http)?,
        authorization: usual::credential(draft, "api_key", "Bearer ", &config.api_key)?,
        from: mailbox(draft, "from", &config.from)?,
        reply_to: config.reply_to.as_deref().map(|text| mailbox(draft, "reply_to", text)).transpose()?,
        webhooks: key.transpose()?,
        secrets: [Some(config.api_key), config.webhook_secret].into_iter().flatten().collect(),
    })))
}

impl Resend {
    fn mail(&self, mail: &Mail<'_>) -> Result<HttpRequest, Outcome> {
        let key = HeaderValue::from_str(&mail.id()).map_err(|_| usual::NOT_OURS)?;
        let mut body = json!({
            "from": self.from.to_string(), "to": [mail.to.expose()], "subject": one_line(mail.subject),
            "text": mail.text, "html": mail.html,
            "reply_to": self.reply_to.as_ref().map(ToString::to_string),
            "headers": Value::from_iter(AUTOMATIC),
        });
        if let Some(reference) = mail.reference() {
            body["tags"] = json!([{ "name": REFERENCE, "value": reference }]);
        }
        let request = usual::post(&self.base, "emails", &self.authorization, body);
        Ok(request.with(HeaderName::from_static("idempotency-key"), key))
    }
}

impl Adapter for Resend {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        self.mail(&Mail::of(message).ok_or(usual::NOT_OURS)?)
    }

    fn notice(&self, notice: &NoticeMail) -> Option<Result<HttpRequest, Outcome>> {
        Some(Mail::of_notice(notice).ok_or(usual::NOT_OURS).and_then(|mail| self.mail(&mail)))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        let answer = response.json().unwrap_or(Value::Null);
        if let Some(name) = loose::at(&answer, "/name") {
            let message = loose::at(&answer, "/message").unwrap_or_default();
            let known = outcome_of(&name, response.status, &message);
            let told = json!({ "status": response.status, "name": name, "message": message });
            return Sent::new(usual::refusal(response, at, known), &told.to_string());
        }
        usual::taken(response, at, loose::at(&answer, "/id"))
    }

    fn questions(&self) -> Vec<HttpRequest> {
        vec![usual::get(&self.base, "domains", &self.authorization)]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let told: Value = answers.first().and_then(HttpResponse::json).unwrap_or_default();
        if told["name"] == "restricted_api_key" {
            return usual::well("the key may send and no more, so domains are not shown".to_owned());
        }
        let raw = answers.first().map(HttpResponse::raw).unwrap_or_default();
        let ours = self.from.email.domain().to_ascii_lowercase();
        let ours =
            told["data"].as_array().and_then(|all| all.iter().find(|one| one["name"] == ours.as_str()));
        match ours.and_then(|domain| domain["status"].as_str()) {
            Some("verified") => usual::well("the key is good, the sender's domain is verified".to_owned()),
            Some(status) => usual::ill(format!("the sender's domain is {status}"), "publish its DNS records"),
            None => usual::ill(raw, "check api_key, and add the sender's domain to the account"),
        }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        self.webhooks.is_some().then_some(self)
    }

    fn secrets(&self) -> Vec<SecretString> {
        self.secrets.clone()
    }
}

/// What the name of an error means; `None`: no more than its status, 4xx a mistake of ours and 5xx one of Resend's.
fn outcome_of(name: &str, status: u16, message: &str) -> Option<Outcome> {
    let (reason, scope) = match name {
        "validation_error" if message.contains("`to`") => (Reason::InvalidRecipient, Scope::Recipient),
        // The sender: its domain is not verified, or the account may write to itself alone.
        "validation_error" if status == 403 || message.contains("`from`") => {
            (Reason::Misconfigured, Scope::Provider)
        }
        // The same mail is being taken: it was sent once, so something on the way repeated it.
        "concurrent_idempotent_requests" => return Some(Outcome::Unknown),
        "daily_quota_exceeded" | "monthly_quota_exceeded" => (Reason::OutOfCredit, Scope::Provider),
        "rate_limit_exceeded" => (Reason::RateLimited, Scope::Provider),
        "resource_locked" => (Reason::Unavailable, Scope::Provider),
        // The key: missing, wrong, suspended, or not allowed to send.
        _ if name.ends_with("_api_key") || name == "invalid_permission" => {
            (Reason::Misconfigured, Scope::Provider)
        }
        _ => return None,
    };
    Some(Outcome::rejected_for(reason, scope))
}

impl Receipts for Resend {
    fn is_signed(&self) -> bool {
        true
    }

    fn receive(&self, callback: &Callback, _fetched: &[HttpResponse], at: Timestamp) -> Received {
        let id = usual::signed_header(callback, "svix-id")?;
        let said_at = usual::signed_header(callback, "svix-timestamp")?;
        let list = usual::signed_header(callback, "svix-signature")?;
        if !self.webhooks.as_ref().is_some_and(|key| key.verifies(id, said_at, &callback.body, list)) {
            return Err(CallbackRefused::Forged("another signature"));
        }
        usual::fresh(said_at, at)?;
        Ok(usual::heard(receipt(&usual::told(callback)?).map(VendorEvent::Receipt)))
    }
}

fn receipt(event: &Value) -> Option<Receipt> {
    let (kind, mail) = (event["type"].as_str()?.strip_prefix("email.")?, &event["data"]);
    let reference = mail["tags"][REFERENCE].as_str().and_then(|text| text.parse().ok());
    let about = reference.map(About::Reference).or(loose::at(mail, "/email_id").map(About::VendorId))?;
    let (bounce, sub) = (word(mail["bounce"]["type"].as_str()), word(mail["bounce"]["subType"].as_str()));
    let why = mail["failed"]["reason"].as_str().unwrap_or_default();
    let (state, reason) = match kind {
        "sent" | "scheduled" | "delivery_delayed" => (ReceiptState::OnItsWay, None),
        // A mail that was looked at has arrived.
        "delivered" | "opened" | "clicked" => (ReceiptState::Delivered, None),
        "bounced" if bounce == Some("Permanent") && matches!(sub, Some("General" | "NoEmail")) => {
            (ReceiptState::Failed, Some(Reason::InvalidRecipient))
        }
        "bounced" if !matches!(sub, Some("Suppressed" | "OnAccountSuppressionList")) => {
            (ReceiptState::Undelivered, None)
        }
        "bounced" | "suppressed" => (ReceiptState::Failed, Some(Reason::OptedOut)),
        "failed" => (ReceiptState::Failed, why.contains("quota").then_some(Reason::OutOfCredit)),
        // Of this mail nothing changes; it was the last one.
        "complained" => (ReceiptState::OnItsWay, Some(Reason::OptedOut)),
        _ => return None,
    };
    let rejection = reason.map(Outcome::rejected).and_then(rejection);
    let told = json!({ "type": kind, "bounce": bounce, "subType": sub, "reason": loose::words(why) });
    Some(Receipt { about, state, rejection, price: None, response: told.to_string() })
}

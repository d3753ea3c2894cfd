//! MSG91, Flow API v5: a template kept at MSG91 with our code as its variable.
//! <https://docs.msg91.com/sms/send-sms>, read 2026-11.
//!
//! MSG91 answers errors with 200 and in several forms, so the word in `type` is the only truth. The text that a person
//! reads is the template's. Its DLT entity and template ids are set in MSG91's panel; the header alone goes along.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider,
        provider::{Balance, Checkup, Message, Sent},
    },
    secret::SecretString,
};
use http::{HeaderName, HeaderValue};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::{
    answer::{Answer, credits},
    receipts::ByRequest,
};
use super::india;
use crate::{
    adapter::{Adapter, Receipts},
    address,
    exchange::{HttpRequest, HttpResponse},
    loose,
    registry::{BuildError, Dlt, Draft, Form, KeyInfo, KindInfo},
    status,
};

mod answer;
mod receipts;

/// The kind `msg91`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "msg91",
    channels: &[Channel::Sms],
    summary: "MSG91 Flow, India: a template with the code as its variable",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::secret("auth_key", "the account's authkey").required(),
        KeyInfo::text("template_id", "the id of the template at MSG91, 24 letters and digits").required(),
        KeyInfo::text(
            "variable",
            "the template's variable for the code, as it is spelled there; OTP unless set",
        ),
        KeyInfo::text("base_url", "the API's address; https://control.msg91.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "msg91"
kind = "msg91"
channels = ["sms"]
auth_key_file = "/run/secrets/msg91"
template_id = "65f0c9a7e51d2b8461f0c9a7"
variable = "OTP"                      # ##OTP## in the template
dlt = { entity = "1101000000000000000", header = "ACMEIN", template = "1107000000000000000" }
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    auth_key: SecretString,
    template_id: String,
    #[serde(default = "usual_variable")]
    variable: String,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

fn usual_variable() -> String {
    "OTP".to_owned()
}

struct Msg91 {
    flow: Url,
    balance: Url,
    auth_key: SecretString,
    header: HeaderValue,
    template_id: String,
    variable: String,
    dlt: Option<Dlt>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !is_word(&config.template_id) {
        return Err(draft.wrong("template_id", "is not the id of a template", "copy it from MSG91's panel"));
    }
    // `mobiles` is the recipient's own field.
    if !is_word(&config.variable) || config.variable.eq_ignore_ascii_case("mobiles") {
        return Err(draft.wrong("variable", "is not the name of a variable", "OTP for ##OTP##"));
    }
    let mut header = HeaderValue::from_str(config.auth_key.expose())
        .map_err(|_| draft.wrong("auth_key", "holds a character that no header can", "copy it again"))?;
    header.set_sensitive(true);
    let base = draft.base_url(config.base_url.as_deref(), "https://control.msg91.com", config.plain_http)?;
    let adapter = Msg91 {
        flow: address::below(&base, "/api/v5/flow/"),
        balance: address::below(&base, "/api/balance.php"),
        auth_key: config.auth_key,
        header,
        template_id: config.template_id,
        variable: config.variable,
        dlt: draft.config.dlt.clone(),
    };
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Adapter for Msg91 {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let bug = || Outcome::rejected_for(Reason::Misconfigured, Scope::Route);
        let number = loose::digits(&message.to).ok_or_else(bug)?;
        let mut recipient = Map::new();
        recipient.insert("mobiles".to_owned(), Value::from(number));
        recipient.insert(self.variable.clone(), Value::from(message.code.expose()));
        let mut body =
            json!({ "template_id": self.template_id, "short_url": "0", "recipients": [recipient] });
        if let Some(ids) = india::ids(self.dlt.as_ref(), &message.to) {
            body["sender"] = Value::from(ids.header);
        }
        let body = serde_json::to_vec(&body).map_err(|_| bug())?;
        let authkey = HeaderName::from_static("authkey");
        Ok(HttpRequest::json(self.flow.clone(), body).with(authkey, self.header.clone()))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        match response.json::<Answer>() {
            Some(answer) => Sent::new(answer.outcome(response, at), &answer.told(response.status)),
            // Without MSG91's own words a success says nothing.
            None => Sent::new(status::outcome(response, at), &response.raw()),
        }
    }

    fn questions(&self) -> Vec<HttpRequest> {
        self.balance().into_iter().collect()
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let Some(answer) = answers.first() else {
            return Checkup {
                well: false,
                finding: "not asked".to_owned(),
                fix: Some("report this".to_owned()),
            };
        };
        match credits(answer) {
            Some(credits) if credits <= 0.0 => Checkup {
                well: false,
                finding: "the authkey is good, no credits are left".to_owned(),
                fix: Some("top the account up".to_owned()),
            },
            Some(credits) => Checkup {
                well: true,
                finding: format!("the authkey is good, {credits} credits are left"),
                fix: None,
            },
            None => Checkup {
                well: false,
                finding: answer.raw(),
                fix: Some(
                    "check auth_key; MSG91 tells the balance only to keys with IP security, from an address on \
                     their list"
                        .to_owned(),
                ),
            },
        }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(&ByRequest)
    }

    /// In the body, where no log of addresses sees the key.
    fn balance(&self) -> Option<HttpRequest> {
        Some(HttpRequest::form(self.balance.clone(), &[("authkey", self.auth_key.expose()), ("type", "4")]))
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        let micros = crate::amount::micros(&credits(answer)?.to_string())?;
        Some(Balance { micros, unit: "credits".to_owned() })
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.auth_key.clone()]
    }
}

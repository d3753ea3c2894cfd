//! Calls: the request that starts one.
//!
//! It holds no code: what the call says is fetched when somebody answers, see [`super::script`].

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::Message,
    recipient::PhoneNumber,
};
use reqwest::Url;
use serde_json::json;

use super::Config;
use crate::{
    address,
    exchange::{HttpRequest, bearer},
    jwt::Rs256,
    registry::{BuildError, Draft},
};

/// How long a token for a call is good.
const TOKEN_FOR: Duration = Duration::from_secs(15 * 60);
/// The longest call, and how long it rings, in seconds.
const CALL: (u32, u32) = (90, 30);

/// What calls need.
pub(super) struct Voice {
    calls: Url,
    pub(super) application: Url,
    pub(super) application_id: String,
    key: Rs256,
    from: String,
}

impl Voice {
    pub(super) fn new(draft: &Draft<'_>, config: &Config) -> Result<Self, BuildError> {
        let base = config.voice_base_url.as_deref().unwrap_or("https://api.nexmo.com");
        let base = address::parse(base, config.plain_http).map_err(|problem| {
            draft.wrong("voice_base_url", problem, "use https, or plain_http = true in a trusted network")
        })?;
        let missing = |key: &str, fix: &str| draft.wrong(key, "is missing", fix);
        let id = config.application_id.clone();
        let id = id.ok_or_else(|| {
            missing("application_id", "calls need an application: make one in Vonage's dashboard")
        })?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if id.is_empty() || !id.bytes().all(plain) {
            return Err(draft.wrong(
                "application_id",
                "is not letters, digits and hyphens",
                "copy it from Vonage's dashboard",
            ));
        }
        let pem = config.private_key.as_ref();
        let pem = pem
            .ok_or_else(|| missing("private_key", "set private_key_file to the application's private key"))?;
        let key = Rs256::parse(pem).ok_or_else(|| {
            draft.wrong(
                "private_key",
                "is not an RSA private key in PEM",
                "use the file that Vonage's dashboard made",
            )
        })?;
        let from =
            config.call_from.as_deref().ok_or_else(|| missing("call_from", "set the number that calls"))?;
        let from = PhoneNumber::parse(&format!("+{}", from.trim_start_matches('+')), None).map_err(|_| {
            draft.wrong("call_from", "is not a telephone number in E.164 form", "write it like +14155550100")
        })?;
        Ok(Self {
            calls: address::below(&base, "/v1/calls"),
            application: address::below(&base, &format!("/v2/applications/{id}")),
            application_id: id,
            key,
            from: from.expose().trim_start_matches('+').to_owned(),
        })
    }

    pub(super) fn call(
        &self,
        number: &PhoneNumber,
        message: &Message,
        at: Timestamp,
    ) -> Result<HttpRequest, Outcome> {
        let route = Outcome::rejected_for(Reason::Misconfigured, Scope::Route);
        let script = message.links.voice.as_ref().ok_or_else(|| route.clone())?;
        let seconds = at.as_millis() / 1000;
        let expires = seconds + i64::try_from(TOKEN_FOR.as_secs()).unwrap_or_default();
        let claims = json!({
            "application_id": self.application_id, "iat": seconds, "exp": expires,
            "jti": message.attempt.to_string(),
        });
        let token = self.key.sign(&claims).ok_or(Outcome::rejected(Reason::Unavailable))?;
        let (longest, rings) = CALL;
        let mut body = json!({
            "to": [{ "type": "phone", "number": number.expose().trim_start_matches('+') }],
            "from": { "type": "phone", "number": self.from },
            "answer_url": [script.expose()], "answer_method": "POST",
            "machine_detection": "continue", "length_timer": longest, "ringing_timer": rings,
        });
        if let Some(url) = &message.links.receipts {
            body["event_url"] = json!([url]);
            body["event_method"] = json!("POST");
        }
        let authorization = bearer(&token).map_err(|_| route)?;
        Ok(HttpRequest::json(self.calls.clone(), body.to_string().into_bytes()).authorized(&authorization))
    }
}

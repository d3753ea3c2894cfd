//! An account at Twilio: who asks, and how it refuses. Alike for all of its products.

use backstop_domain::secret::SecretString;
use http::HeaderValue;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    exchange::basic,
    registry::{BuildError, Draft},
};

/// The keys that every kind of Twilio takes.
pub(crate) struct Credentials {
    pub(crate) account_sid: String,
    pub(crate) auth_token: Option<SecretString>,
    pub(crate) api_key: Option<String>,
    pub(crate) api_secret: Option<SecretString>,
}

/// What goes with every request.
pub(crate) struct Account {
    pub(crate) authorization: HeaderValue,
    secret: SecretString,
}

impl Account {
    /// By the account's token, or by an API key and its secret.
    pub(crate) fn new(draft: &Draft<'_>, credentials: Credentials) -> Result<Self, BuildError> {
        let Credentials { account_sid, auth_token, api_key, api_secret } = credentials;
        must_be_sid(draft, "account_sid", &account_sid, "AC")?;
        let (user, secret) = match (auth_token, api_key, api_secret) {
            (Some(token), None, None) => (account_sid, token),
            (None, Some(key), Some(secret)) => {
                must_be_sid(draft, "api_key", &key, "SK")?;
                (key, secret)
            }
            _ => {
                return Err(draft.wrong(
                    "auth_token",
                    "is missing or not alone",
                    "set auth_token, or api_key and api_secret",
                ));
            }
        };
        let authorization = basic(&user, &secret).map_err(|_| {
            draft.wrong("auth_token", "holds a character that no header can", "copy it again")
        })?;
        Ok(Self { authorization, secret })
    }

    /// What no answer may repeat.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let header = self.authorization.to_str().unwrap_or_default();
        let pair = header.strip_prefix("Basic ").unwrap_or_default().to_owned();
        vec![self.secret.clone(), SecretString::new(pair)]
    }
}

/// Refuses what is not one of Twilio's ids: two letters of its kind and 32 more.
pub(crate) fn must_be_sid(
    draft: &Draft<'_>,
    key: &str,
    text: &str,
    prefix: &'static str,
) -> Result<(), BuildError> {
    let is_sid =
        text.len() == 34 && text.starts_with(prefix) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_sid {
        return Ok(());
    }
    let problem = format!("is not {prefix} and 32 letters and digits");
    Err(draft.wrong(key, &problem, "copy it from Twilio's console"))
}

/// A refusal in Twilio's own form: without a code it is somebody else's.
#[derive(Deserialize)]
pub(crate) struct Failure {
    code: Value,
    #[serde(default)]
    message: Value,
}

impl Failure {
    /// Its code, whether it is written as a number or as a text.
    pub(crate) fn code(&self) -> Option<u32> {
        match &self.code {
            Value::Number(number) => number.as_u64()?.try_into().ok(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Whether it blames this parameter.
    pub(crate) fn blames(&self, parameter: &str) -> bool {
        let words = self.message.as_str().unwrap_or_default().split(|c: char| !c.is_alphanumeric());
        words.into_iter().any(|word| word == parameter)
    }

    /// Code and message.
    pub(crate) fn told(&self, status: u16) -> String {
        json!({ "status": status, "code": self.code, "message": self.message }).to_string()
    }
}

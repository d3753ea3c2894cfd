//! The three surfaces: their keys, and how each is asked to send.

use backstop_domain::{code::Code, secret::SecretString};
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use crate::{
    address,
    exchange::HttpRequest,
    registry::{BuildError, Draft},
    sms::gupshup::text::{ApprovedText, USUAL},
};

/// Each surface's name, the keys that it needs, and those that it may have.
const KEYS: [(&str, &[&str], &[&str]); 3] = [
    ("partner", &["app_id", "app_token", "template"], &["language"]),
    ("self-serve", &["api_key", "source", "app_name", "template"], &["code_params"]),
    ("enterprise", &["userid", "password"], &["text"]),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    surface: String,
    #[serde(default)]
    template: String,
    #[serde(default)]
    app_id: String,
    app_token: Option<SecretString>,
    language: Option<String>,
    api_key: Option<SecretString>,
    #[serde(default)]
    source: String,
    #[serde(default)]
    app_name: String,
    code_params: Option<usize>,
    #[serde(default)]
    userid: String,
    password: Option<SecretString>,
    text: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

/// Where an account's messages go.
pub(super) enum Surface {
    Partner(Partner),
    SelfServe(SelfServe),
    Enterprise(Enterprise),
}

/// The partner API v3: Meta's own body, passed through.
pub(super) struct Partner {
    message: Url,
    wallet: Url,
    secret: SecretString,
    token: HeaderValue,
    template: String,
    language: String,
}

/// The self-serve API v1: a form with the template as JSON in it.
pub(super) struct SelfServe {
    message: Url,
    secret: SecretString,
    key: HeaderValue,
    source: String,
    app_name: String,
    template: String,
    code_params: usize,
}

/// The enterprise gateway: the finished text, held against the approved one.
pub(super) struct Enterprise {
    gateway: Url,
    userid: String,
    password: SecretString,
    text: ApprovedText,
}

/// Reads the surface with the keys that are its own.
pub(super) fn read(draft: &Draft<'_>, config: Config) -> Result<Surface, BuildError> {
    check_keys(draft, &config.surface)?;
    let base = |usual: &str| draft.base_url(config.base_url.as_deref(), usual, config.plain_http);
    let header = |key: &str, secret: &SecretString| {
        let mut value = HeaderValue::from_str(secret.expose())
            .map_err(|_| draft.wrong(key, "holds a character that no header can", "copy it again"))?;
        value.set_sensitive(true);
        Ok::<_, BuildError>(value)
    };
    let fits = |key: &str, fits: bool, form: &str| {
        if fits { Ok(()) } else { Err(draft.wrong(key, "has a value of the wrong form", form)) }
    };
    match (config.surface.as_str(), config.app_token, config.api_key, config.password) {
        ("partner", Some(secret), ..) => {
            let is_id = config.app_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            fits("app_id", is_id, "letters, digits and hyphens")?;
            let language = config.language.unwrap_or_else(|| "en".to_owned());
            let is_language = language.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
            fits("language", is_language, "as in WhatsApp's list: en, en_US, hi")?;
            let base = base("https://partner.gupshup.io")?;
            let below = |path: &str| address::below(&base, &format!("partner/app/{}{path}", config.app_id));
            Ok(Surface::Partner(Partner {
                message: below("/v3/message"),
                wallet: below("/wallet/balance"),
                token: header("app_token", &secret)?,
                secret,
                template: config.template,
                language,
            }))
        }
        ("self-serve", _, Some(secret), _) => {
            let is_number = config.source.bytes().all(|byte| byte.is_ascii_digit());
            fits("source", is_number, "digits with the country code, without +")?;
            let code_params = config.code_params.unwrap_or(2);
            fits(
                "code_params",
                (1..=2).contains(&code_params),
                "1, or 2 where the button takes the code too",
            )?;
            Ok(Surface::SelfServe(SelfServe {
                message: address::below(&base("https://api.gupshup.io")?, "wa/api/v1/template/msg"),
                key: header("api_key", &secret)?,
                secret,
                source: config.source,
                app_name: config.app_name,
                template: config.template,
                code_params,
            }))
        }
        ("enterprise", _, _, Some(password)) => {
            let text =
                config.text.as_deref().map_or_else(|| Some(ApprovedText::usual()), ApprovedText::parse);
            Ok(Surface::Enterprise(Enterprise {
                gateway: base("https://media.smsgupshup.com/GatewayAPI/rest")?,
                userid: config.userid,
                password,
                text: text.ok_or_else(|| {
                    draft.wrong("text", "does not hold {code} once and no other braces", USUAL)
                })?,
            }))
        }
        _ => Err(draft.wrong("surface", "has no secret", "set app_token, api_key or password")),
    }
}

/// Every key that the surface needs is there, and none of another one.
fn check_keys(draft: &Draft<'_>, surface: &str) -> Result<(), BuildError> {
    let Some((_, needs, takes)) = KEYS.iter().find(|(name, ..)| *name == surface) else {
        return Err(draft.wrong("surface", "names no surface", "partner, self-serve or enterprise"));
    };
    let settings = &draft.config.settings;
    let is_there = |key: &&str| settings.get(*key).is_some_and(|value| value.as_str() != Some(""));
    if let Some(key) = needs.iter().find(|key| !is_there(key)) {
        return Err(draft.wrong(key, "is missing", &format!("surface = \"{surface}\" needs it")));
    }
    let others = KEYS.iter().flat_map(|(_, needs, takes)| needs.iter().chain(*takes));
    let foreign = others.filter(|key| !needs.contains(key) && !takes.contains(key)).find(|key| is_there(key));
    match foreign {
        Some(key) => Err(draft.wrong(key, "is of another surface", &format!("{surface} does not take it"))),
        None => Ok(()),
    }
}

impl Surface {
    /// The request that sends a code; nothing if it cannot be written.
    pub(super) fn send(&self, number: &str, code: &Code) -> Option<HttpRequest> {
        match self {
            Self::Partner(partner) => partner.send(number, code),
            Self::SelfServe(account) => account.send(number, code),
            Self::Enterprise(account) => Some(account.send(number, code)),
        }
    }

    /// The request that asks what is left; partners alone have one.
    pub(super) fn balance(&self) -> Option<HttpRequest> {
        match self {
            Self::Partner(partner) => {
                Some(HttpRequest::get(partner.wallet.clone()).with(AUTHORIZATION, partner.token.clone()))
            }
            _ => None,
        }
    }

    pub(super) fn secret(&self) -> &SecretString {
        match self {
            Self::Partner(partner) => &partner.secret,
            Self::SelfServe(account) => &account.secret,
            Self::Enterprise(account) => &account.password,
        }
    }
}

impl Partner {
    /// The code stands in the text and behind the button, as authentication templates want it.
    fn send(&self, number: &str, code: &Code) -> Option<HttpRequest> {
        let code = [json!({ "type": "text", "text": code.expose() })];
        let body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": number,
            "type": "template",
            "template": {
                "name": self.template,
                "language": { "code": self.language },
                "components": [
                    { "type": "body", "parameters": code },
                    { "type": "button", "sub_type": "url", "index": "0", "parameters": code },
                ],
            },
        });
        let body = serde_json::to_vec(&body).ok()?;
        Some(HttpRequest::json(self.message.clone(), body).with(AUTHORIZATION, self.token.clone()))
    }
}

impl SelfServe {
    fn send(&self, number: &str, code: &Code) -> Option<HttpRequest> {
        let params = vec![code.expose(); self.code_params];
        let template = serde_json::to_string(&json!({ "id": self.template, "params": params })).ok()?;
        let fields = [
            ("channel", "whatsapp"),
            ("source", &self.source),
            ("destination", number),
            ("src.name", &self.app_name),
            ("template", &template),
        ];
        let apikey = HeaderName::from_static("apikey");
        Some(HttpRequest::form(self.message.clone(), &fields).with(apikey, self.key.clone()))
    }
}

impl Enterprise {
    fn send(&self, number: &str, code: &Code) -> HttpRequest {
        let text = self.text.with(code);
        let mut fields = self.call();
        fields.extend([
            ("msg_type", "HSM"),
            ("isTemplate", "true"),
            ("send_to", number),
            ("msg", text.expose()),
        ]);
        HttpRequest::form(self.gateway.clone(), &fields)
    }

    /// A message to nobody that says nothing: it can go nowhere, and a wrong password is refused all the same.
    pub(super) fn empty(&self) -> HttpRequest {
        HttpRequest::form(self.gateway.clone(), &self.call())
    }

    fn call(&self) -> Vec<(&str, &str)> {
        vec![
            ("method", "SendMessage"),
            ("userid", &self.userid),
            ("password", self.password.expose()),
            ("auth_scheme", "plain"),
            ("v", "1.1"),
            ("format", "json"),
        ]
    }
}

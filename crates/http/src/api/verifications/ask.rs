//! What callers send, and how it becomes what the engine takes. From here on there are only domain types.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use backstop_domain::{
    application::Application,
    channel::Channel,
    code::{Code as OneTimeCode, SubmittedCode},
    id::VerificationId,
    purpose::Purpose,
    recipient::Recipient,
    secret::SecretString,
    template::Transaction,
    verification::Status,
};
use backstop_engine::verify::{CheckRequest, ClientInfo, Selection, StartRequest, VerificationQuery};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::words::{ChannelWord, StatusWord};
use crate::{
    error::{Code, Problem, wrong_form},
    extract::Object,
};

/// A start.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StartVerification)]
pub(crate) struct StartBody {
    /// Who the code goes to: a telephone number in international form, or an e-mail address.
    #[schema(value_type = String, example = "+14155550123")]
    to: SecretString,
    /// This channel alone; its providers still fail over.
    #[schema(value_type = Option<ChannelWord>)]
    channel: Option<String>,
    /// The application's ladder, with this channel first.
    #[schema(value_type = Option<ChannelWord>)]
    prefer: Option<String>,
    /// Exactly these channels, in this order. At most one of `channel`, `prefer` and `channels`.
    #[schema(value_type = Option<Vec<ChannelWord>>)]
    channels: Option<Vec<String>>,
    /// Confirmed addresses of the same person on other channels: the application answers for that.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    fallback_to: Option<BTreeMap<String, SecretString>>,
    /// What the code is for: `login` (the default), `registration`, `password_reset`, `transaction`, or a word of
    /// your own from a-z, 0-9 and _.
    #[schema(example = "login")]
    purpose: Option<String>,
    /// The language of the message, as `en` or `hi-IN`.
    locale: Option<String>,
    /// 4 to 10 characters.
    #[schema(minimum = 4, maximum = 10)]
    code_length: Option<u8>,
    /// How long the code lives.
    #[schema(minimum = 31, maximum = 86400)]
    ttl_seconds: Option<u32>,
    /// A code of your own, 4 to 10 letters and digits.
    #[schema(value_type = Option<String>)]
    custom_code: Option<SecretString>,
    /// What the person approves; it stands in the message, and the code is bound to it.
    #[schema(value_type = Option<TransactionBody>)]
    transaction: Option<Object<TransactionBody>>,
    /// An opaque word for one person's browser: an equal start with the same word joins this one.
    session: Option<String>,
    /// Notes of your own, given back when you redeem; 4096 bytes at the most.
    #[schema(value_type = Option<Object>)]
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// The person, as you see them.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
    /// Wait until a vendor has taken the message, 8 seconds at the most. The delivery goes on either way.
    wait: Option<bool>,
}

/// What the person approves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Transaction)]
pub(crate) struct TransactionBody {
    /// As the person reads it, with its currency.
    #[schema(example = "INR 48,200.00")]
    pub(super) amount: String,
    /// Who is paid.
    #[schema(example = "Meera Traders")]
    pub(super) payee: String,
}

/// The person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Client)]
pub(crate) struct ClientBody {
    /// Their network address, for the limits by network.
    ip: Option<String>,
    /// Their browser.
    user_agent: Option<String>,
}

impl ClientBody {
    /// Where the person is, if the body says so.
    pub(crate) fn address(self) -> Result<Option<IpAddr>, Problem> {
        self.ip.map(address).transpose()
    }
}

impl StartBody {
    /// Reads every field.
    pub(crate) fn into_request(self, application: &Application) -> Result<StartRequest, Problem> {
        let selection = selection(self.channel, self.prefer, self.channels)?;
        let to = Recipient::parse(self.to.expose(), application.default_region)?;
        let mut request = StartRequest::new(to, purpose_or_login(self.purpose.as_deref())?);
        request.selection = selection;
        for (name, address) in self.fallback_to.unwrap_or_default() {
            let recipient = Recipient::parse(address.expose(), application.default_region)?;
            request.fallback_to.insert(channel(&name)?, recipient);
        }
        request.locale = self.locale;
        request.code_length = self.code_length;
        request.ttl = self.ttl_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        request.custom_code = self.custom_code.map(|code| custom_code(&code)).transpose()?;
        request.transaction = self
            .transaction
            .map(|Object(transaction)| Transaction { amount: transaction.amount, payee: transaction.payee });
        request.session = self.session;
        request.metadata = self.metadata.map(serde_json::Value::Object);
        if let Some(Object(client)) = self.client {
            request.client =
                ClientInfo { ip: client.ip.map(address).transpose()?, user_agent: client.user_agent };
        }
        request.wait = self.wait.unwrap_or(false);
        Ok(request)
    }
}

fn selection(
    only: Option<String>,
    prefer: Option<String>,
    exactly: Option<Vec<String>>,
) -> Result<Selection, Problem> {
    match (only, prefer, exactly) {
        (None, None, None) => Ok(Selection::Ladder),
        (Some(only), None, None) => Ok(Selection::Only(channel(&only)?)),
        (None, Some(prefer), None) => Ok(Selection::Prefer(channel(&prefer)?)),
        (None, None, Some(names)) if (1..=Channel::ALL.len()).contains(&names.len()) => {
            names.iter().map(|name| channel(name)).collect::<Result<_, _>>().map(Selection::Exactly)
        }
        (None, None, Some(_)) => Err(Problem::field("channels", "must name 1 to 5 channels")),
        (_, _, _) => {
            Err(Problem::new(Code::InvalidRequest, "send at most one of `channel`, `prefer` and `channels`"))
        }
    }
}

/// Reads the name of a channel.
pub(crate) fn channel(name: &str) -> Result<Channel, Problem> {
    name.parse().map_err(|_| {
        Problem::new(Code::UnknownChannel, "the channels are sms, whatsapp, voice, email, telegram")
    })
}

/// Reads a purpose.
pub(crate) fn purpose(word: &str) -> Result<Purpose, Problem> {
    word.parse().map_err(|_| Problem::field("purpose", "must be 1 to 64 characters from a-z, 0-9 and _"))
}

fn purpose_or_login(word: Option<&str>) -> Result<Purpose, Problem> {
    word.map_or_else(|| Ok(Purpose::login()), purpose)
}

fn custom_code(text: &SecretString) -> Result<OneTimeCode, Problem> {
    OneTimeCode::custom(text.expose())
        .map_err(|_| Problem::field("custom_code", "must be 4 to 10 digits and letters from A to Z"))
}

fn address(text: String) -> Result<IpAddr, Problem> {
    text.parse().map_err(|_| Problem::field("client.ip", "must be an IPv4 or IPv6 address"))
}

/// Reads a code as a person typed it.
pub(crate) fn submitted(code: &SecretString) -> Result<SubmittedCode, Problem> {
    SubmittedCode::parse(code.expose()).map_err(|_| wrong_form())
}

/// A check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Check)]
pub(crate) struct CheckBodyIn {
    /// What the person typed; spaces and hyphens do not matter.
    #[schema(value_type = String, example = "492 817")]
    code: SecretString,
}

impl CheckBodyIn {
    /// Reads the code.
    pub(crate) fn into_request(self, id: VerificationId) -> Result<CheckRequest, Problem> {
        Ok(CheckRequest::Id(id, submitted(&self.code)?))
    }
}

/// A check by recipient.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CheckByRecipient)]
pub(crate) struct CheckRecipientBody {
    /// Who the code went to.
    #[schema(value_type = String, example = "+14155550123")]
    to: SecretString,
    /// What the code is for; `login` if nothing is said.
    #[schema(example = "login")]
    purpose: Option<String>,
    /// What the person typed; spaces and hyphens do not matter.
    #[schema(value_type = String, example = "492817")]
    code: SecretString,
}

impl CheckRecipientBody {
    /// Reads every field.
    pub(crate) fn into_request(self, application: &Application) -> Result<CheckRequest, Problem> {
        let to = Recipient::parse(self.to.expose(), application.default_region)?;
        let purpose = purpose_or_login(self.purpose.as_deref())?;
        Ok(CheckRequest::Recipient(to, Some(purpose), submitted(&self.code)?))
    }
}

/// A resend.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Resend)]
pub(crate) struct ResendBody {
    /// This channel instead of the verification's own.
    #[schema(value_type = Option<ChannelWord>)]
    channel: Option<String>,
}

impl ResendBody {
    /// Reads the channel.
    pub(crate) fn channel(&self) -> Result<Option<Channel>, Problem> {
        self.channel.as_deref().map(channel).transpose()
    }
}

/// A redemption.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Redeem)]
pub(crate) struct RedeemBody {
    /// The purpose that you expect: for another one, nothing is redeemed.
    #[schema(example = "login")]
    purpose: Option<String>,
}

impl RedeemBody {
    /// Reads the purpose.
    pub(crate) fn purpose(&self) -> Result<Option<Purpose>, Problem> {
        self.purpose.as_deref().map(purpose).transpose()
    }
}

/// Nothing, or `{}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFields {}

/// What to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only of this recipient.
    #[param(value_type = Option<String>)]
    to: Option<SecretString>,
    /// Only with this status.
    #[param(value_type = Option<StatusWord>)]
    status: Option<String>,
    /// Only with this purpose.
    purpose: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 100; 20 if nothing is said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl ListQuery {
    /// Reads every filter.
    pub(crate) fn into_query(self, application: &Application) -> Result<VerificationQuery, Problem> {
        let limit = self.limit.unwrap_or(20);
        if !(1..=100).contains(&limit) {
            return Err(Problem::field("limit", "must be 1 to 100"));
        }
        let status = |word: String| -> Result<Status, Problem> {
            word.parse().map_err(|error| Problem::new(Code::InvalidRequest, format!("{error}")))
        };
        let cursor = |word: String| -> Result<VerificationId, Problem> {
            word.parse().map_err(|_| Problem::field("cursor", "must be the next_cursor of a page"))
        };
        let recipient = |to: SecretString| Recipient::parse(to.expose(), application.default_region);
        Ok(VerificationQuery {
            to: self.to.map(recipient).transpose()?,
            status: self.status.map(status).transpose()?,
            purpose: self.purpose.as_deref().map(purpose).transpose()?,
            before: self.cursor.map(cursor).transpose()?,
            limit,
        })
    }
}

//! What a start may do: authority, bounds, countries, and the ladder that is left.

use std::time::Duration;

use backstop_domain::{
    application::Application, channel::Channel, plan::LEAST_LIFE, purpose::Purpose, recipient::Recipient,
};

use super::start::{Selection, StartError, StartRequest};
use crate::{Caller, deliver::routes::RouteTable};

/// The shortest life of a code: less could not be sent.
const SHORTEST_TTL: Duration = Duration::from_secs(LEAST_LIFE.as_secs() + 1);
/// The longest life of a code.
const LONGEST_TTL: Duration = Duration::from_secs(86_400);
const METADATA_MAX: usize = 4096;
const TEXT_MAX: usize = 64;
const SESSION_MAX: usize = 256;
const LOCALE_MAX: usize = 35;

/// Says which ladder a start may use, or why it may not.
pub(super) fn admit(
    caller: &Caller,
    request: &StartRequest,
    routes: &RouteTable,
) -> Result<Vec<Channel>, StartError> {
    if caller.authority.is_public() {
        public_fields(request)?;
    }
    if !caller.may_start(&request.purpose) {
        return Err(StartError::PurposeNotPublic);
    }
    bounds(request)?;
    countries(&caller.application, request)?;
    let reaches =
        |channel: Channel| request.fallback_to.contains_key(&channel) || channel.reaches(&request.to);
    let ladder = ladder(&caller.application, &request.selection, |channel| {
        admit_channel(caller, &request.purpose, channel, reaches(channel), routes)
    })?;
    if ladder.is_empty() { Err(StartError::NoChannel) } else { Ok(ladder) }
}

/// Says which ladder a sign-in may use, or why it may not. What it says depends on the configuration and on the address
/// that was given, never on whose that is.
pub(super) fn admit_sign_in(
    caller: &Caller,
    request: &StartRequest,
    routes: &RouteTable,
) -> Result<Vec<Channel>, StartError> {
    let private = [("channels", matches!(request.selection, Selection::Exactly(_))), ("wait", request.wait)];
    if caller.authority.is_public()
        && let Some((field, _)) = private.into_iter().find(|(_, used)| *used)
    {
        return Err(StartError::NeedsSecretKey(field));
    }
    bounds(request)?;
    countries(&caller.application, request)?;
    let ladder = ladder(&caller.application, &request.selection, |channel| {
        admit_to_sign_in(caller, &request.purpose, channel, could_reach(channel, &request.to), routes)
    })?;
    if ladder.is_empty() { Err(StartError::NoChannel) } else { Ok(ladder) }
}

/// The ladder of sign-ins, before any address is known.
pub(super) fn sign_in_ladder(caller: &Caller, purpose: &Purpose, routes: &RouteTable) -> Vec<Channel> {
    let admits = |channel| admit_to_sign_in(caller, purpose, channel, true, routes);
    ladder(&caller.application, &Selection::Ladder, admits).unwrap_or_default()
}

/// Whether a code for whoever gave this address could travel over `channel`. Behind a number there may be a person with a
/// confirmed mail address; to a mail address a code goes by mail alone, so that nobody who knows it makes telephones ring.
pub(super) fn could_reach(channel: Channel, to: &Recipient) -> bool {
    matches!(to, Recipient::Phone(_)) || channel.reaches(to)
}

fn public_fields(request: &StartRequest) -> Result<(), StartError> {
    let private = [
        ("channels", matches!(request.selection, Selection::Exactly(_))),
        ("fallback_to", !request.fallback_to.is_empty()),
        ("code_length", request.code_length.is_some()),
        ("ttl_seconds", request.ttl.is_some()),
        ("custom_code", request.custom_code.is_some()),
        ("transaction", request.transaction.is_some()),
        ("session", request.session.is_some()),
        ("metadata", request.metadata.is_some()),
        ("client", request.client != super::ClientInfo::default()),
        ("wait", request.wait),
    ];
    match private.into_iter().find(|(_, used)| *used) {
        Some((field, _)) => Err(StartError::NeedsSecretKey(field)),
        None => Ok(()),
    }
}

fn bounds(request: &StartRequest) -> Result<(), StartError> {
    let plain = |text: &str| {
        !text.is_empty() && text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control)
    };
    let is_tag = |tag: &str| {
        (2..=LOCALE_MAX).contains(&tag.len())
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let metadata = request.metadata.as_ref().map_or(0, |value| value.to_string().len());
    let checks = [
        (
            "code_length",
            request.code_length.is_none_or(|length| (4..=10).contains(&length)),
            "must be 4 to 10",
        ),
        (
            "ttl_seconds",
            request.ttl.is_none_or(|ttl| (SHORTEST_TTL..=LONGEST_TTL).contains(&ttl)),
            "must be 31 to 86400 seconds: nothing is sent in the last 30 s of a code",
        ),
        (
            "custom_code",
            request.custom_code.is_none() || request.code_length.is_none(),
            "has its own length: leave code_length out",
        ),
        (
            "transaction",
            request.transaction.as_ref().is_none_or(|t| plain(&t.amount) && plain(&t.payee)),
            "amount and payee must be 1 to 64 characters without control characters",
        ),
        (
            "session",
            request.session.as_ref().is_none_or(|session| session.len() <= SESSION_MAX),
            "must be 256 bytes at the most",
        ),
        ("metadata", metadata <= METADATA_MAX, "must be 4096 bytes of JSON at the most"),
        (
            "locale",
            request.locale.as_deref().is_none_or(is_tag),
            "must be a language tag such as en or hi-IN",
        ),
        (
            "fallback_to",
            request.fallback_to.iter().all(|(channel, recipient)| channel.reaches(recipient)),
            "each channel needs an address that it can reach",
        ),
    ];
    match checks.into_iter().find(|(_, fits, _)| !fits) {
        Some((field, _, problem)) => Err(StartError::OutOfBounds { field, problem }),
        None => Ok(()),
    }
}

/// By numbering region, not by calling code: a Jamaican number is not American.
fn countries(application: &Application, request: &StartRequest) -> Result<(), StartError> {
    let Some(allowed) = &application.countries else { return Ok(()) };
    let everyone = std::iter::once(&request.to).chain(request.fallback_to.values());
    for recipient in everyone {
        if let Recipient::Phone(number) = recipient
            && !number.region().is_some_and(|region| allowed.contains(&region))
        {
            return Err(StartError::CountryNotAllowed);
        }
    }
    Ok(())
}

/// The channels that a selection names, each of which must be admitted, and then those of the application that are.
fn ladder(
    application: &Application,
    selection: &Selection,
    admits: impl Fn(Channel) -> Result<(), ChannelRefused>,
) -> Result<Vec<Channel>, ChannelRefused> {
    let named = match selection {
        Selection::Ladder => vec![],
        Selection::Only(channel) | Selection::Prefer(channel) => vec![*channel],
        Selection::Exactly(channels) => channels.clone(),
    };
    for channel in &named {
        admits(*channel)?;
    }
    let own = match selection {
        Selection::Ladder | Selection::Prefer(_) => application.ladder.as_slice(),
        Selection::Only(_) | Selection::Exactly(_) => &[],
    };
    let mut ladder: Vec<Channel> = Vec::new();
    for channel in named.iter().chain(own.iter().filter(|channel| admits(**channel).is_ok())) {
        if !ladder.contains(channel) {
            ladder.push(*channel);
        }
    }
    Ok(ladder)
}

/// Why a channel cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChannelRefused {
    /// A publishable key may not use this channel.
    #[error("a publishable key may not use this channel")]
    NotPublic,
    /// The channel cannot carry a code to this recipient.
    #[error("the channel {0} cannot reach this recipient")]
    CannotReach(Channel),
    /// The purpose asks for a stronger channel.
    #[error("the channel {0} is too weak for this purpose")]
    BelowFloor(Channel),
    /// No provider serves the channel.
    #[error("no provider is configured for the channel {0}")]
    NotConfigured(Channel),
}

/// Whether a caller may have a code for `purpose` sent over `channel`, to a recipient that it `reaches` or not.
pub(super) fn admit_channel(
    caller: &Caller,
    purpose: &Purpose,
    channel: Channel,
    reaches: bool,
    routes: &RouteTable,
) -> Result<(), ChannelRefused> {
    let application = &caller.application;
    let public = application.public_channels.as_ref().unwrap_or(&application.ladder);
    if caller.authority.is_public() && !public.contains(&channel) {
        return Err(ChannelRefused::NotPublic);
    }
    if !reaches {
        return Err(ChannelRefused::CannotReach(channel));
    }
    if channel < application.floor(purpose) {
        return Err(ChannelRefused::BelowFloor(channel));
    }
    if !routes.serves(application, channel) {
        return Err(ChannelRefused::NotConfigured(channel));
    }
    Ok(())
}

/// The same for a sign-in. Its code is always ours: a vendor that makes its own would have to be asked about a decoy, and
/// knows of none.
fn admit_to_sign_in(
    caller: &Caller,
    purpose: &Purpose,
    channel: Channel,
    reaches: bool,
    routes: &RouteTable,
) -> Result<(), ChannelRefused> {
    admit_channel(caller, purpose, channel, reaches, routes)?;
    let carried = routes.carries(&caller.application, None, channel);
    if carried { Ok(()) } else { Err(ChannelRefused::NotConfigured(channel)) }
}

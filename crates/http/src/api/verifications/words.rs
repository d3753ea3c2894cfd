//! The words that a field can hold, for the description of the API: read from the domain's own lists, so that a new
//! one cannot be forgotten.

use std::borrow::Cow;

use backstop_domain::{channel::Channel, delivery::DeliveryState, verification::Status};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// How a code travels.
pub(crate) enum ChannelWord {}

impl PartialSchema for ChannelWord {
    fn schema() -> RefOr<Schema> {
        words("How a code travels.", Channel::ALL.map(Channel::as_str).to_vec())
    }
}

impl ToSchema for ChannelWord {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Channel")
    }
}

/// Where a verification stands.
pub(crate) enum StatusWord {}

impl PartialSchema for StatusWord {
    fn schema() -> RefOr<Schema> {
        let about = "Where a verification stands. All but `pending` are final.";
        words(about, Status::ALL.map(Status::as_str).to_vec())
    }
}

impl ToSchema for StatusWord {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Status")
    }
}

/// Where a delivery stands.
pub(crate) enum DeliveryWord {}

impl PartialSchema for DeliveryWord {
    fn schema() -> RefOr<Schema> {
        let about = "Where the latest delivery stands. `undeliverable` ends nothing: check and resend work until the \
                     code expires.";
        words(about, DeliveryState::ALL.map(DeliveryState::as_str).to_vec())
    }
}

impl ToSchema for DeliveryWord {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Delivery")
    }
}

fn words(about: &str, words: Vec<&'static str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about))
        .examples(words.last().copied())
        .enum_values(Some(words))
        .into()
}

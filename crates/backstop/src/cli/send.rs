//! `backstop send`: a code from the terminal, over the real routes.

use backstop_domain::{channel::Channel, purpose::Purpose};
use clap::Args;

use super::{
    Answer, Exit,
    screen::{Style, columns},
};
use crate::control::protocol::{ControlReply, ControlRequest, Level, Private};

/// What to send.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  backstop send +919876543210\n  backstop send ravi@example.com --channel email --wait\n  \
                        backstop send +14155550123 --purpose password_reset --application shop"
)]
pub struct SendArguments {
    /// A number such as +919876543210, or an e-mail address
    pub to: String,
    /// Only over this channel: sms, whatsapp, voice, email, telegram
    #[arg(long)]
    pub channel: Option<Channel>,
    /// What the code is for: login, registration, password_reset, or an own word
    #[arg(long)]
    pub purpose: Option<Purpose>,
    /// For this application; needed only where there are several
    #[arg(long)]
    pub application: Option<String>,
    /// Wait, 8 seconds at most, until a vendor has accepted it
    #[arg(long)]
    pub wait: bool,
}

impl SendArguments {
    /// The request.
    pub fn request(self) -> ControlRequest {
        ControlRequest::Send {
            application: self.application,
            to: Private::new(self.to),
            channel: self.channel,
            purpose: self.purpose,
            wait: self.wait,
        }
    }
}

/// What became of it.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Send(sent) = reply else { return None };
    let way = match (sent.channel_used, &sent.provider) {
        (Some(channel), Some(provider)) => {
            format!("{} accepted, {channel} through {provider}", style.lamp(Level::Well))
        }
        (Some(channel), None) => format!("{} accepted, {channel}", style.lamp(Level::Well)),
        (None, _) => format!("{} queued", style.trying()),
    };
    let row = |name: &str, value: &str| vec![style.muted(name), value.to_owned()];
    let rows = [
        row("verification", &sent.id.to_string()),
        row("to", &sent.to),
        row("delivery", &way),
        row("expires", &sent.expires_at),
    ];
    let hint = format!("check it with: backstop verify {} CODE", sent.id);
    Some(Answer::new(columns(&rows, ""), Exit::Well).with_hint(hint))
}

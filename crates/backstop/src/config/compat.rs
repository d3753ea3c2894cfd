//! `[compat.<service>]`: the drop-in surfaces, each switched on by naming the application that it fronts.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::{error::ConfigError, read::Section, span::Span};

/// A service whose callers find their endpoints here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Surface {
    /// `/auth/otp/...`
    Fleetflow,
    /// SMS as the backup of TOTP.
    Haven,
    /// `/health/messaging`.
    Weedgo,
    /// `/api/auth/send-otp`, `/api/auth/verify-otp`.
    AsyncOtp,
    /// `/send-otp`, `/verify-otp` and the two beside them.
    Smartfin,
}

impl Surface {
    /// Every surface.
    pub const ALL: [Self; 5] = [Self::Fleetflow, Self::Haven, Self::Weedgo, Self::AsyncOtp, Self::Smartfin];

    /// The name in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fleetflow => "fleetflow",
            Self::Haven => "haven",
            Self::Weedgo => "weedgo",
            Self::AsyncOtp => "async_otp",
            Self::Smartfin => "smartfin",
        }
    }
}

/// What the section of a service without options can say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlainSection {
    application: String,
}

/// What `[compat.fleetflow]` can say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FleetflowSection {
    application: String,
    #[serde(default = "two_seconds")]
    answer_after: Span,
}

/// What `[compat.smartfin]` can say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmartfinSection {
    application: String,
    #[serde(default)]
    loose_purpose: bool,
}

fn two_seconds() -> Span {
    Span::seconds(2)
}

/// One surface, switched on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurfaceSettings {
    /// The application that it fronts.
    pub application: String,
    /// FleetFlow: everybody hears the answer after this time, so that it does not tell who exists.
    pub answer_after: Duration,
    /// SmartFin: a code without a purpose also resets a password, as that service allowed.
    pub loose_purpose: bool,
}

/// The surfaces that are on.
pub type Compat = BTreeMap<Surface, SurfaceSettings>;

pub(crate) fn resolve(section: Option<&Section<'_>>, applications: &[&str]) -> Result<Compat, ConfigError> {
    let mut compat = Compat::new();
    let Some(section) = section else { return Ok(compat) };
    for name in section.node.table().map(|table| table.keys()).into_iter().flatten() {
        let Some(child) = section.child(name) else { continue };
        let surface = Surface::ALL.into_iter().find(|surface| surface.as_str() == name);
        let mut settings = SurfaceSettings {
            application: String::new(),
            answer_after: two_seconds().0,
            loose_purpose: false,
        };
        match surface {
            Some(Surface::Fleetflow) => {
                let said: FleetflowSection = child.read()?;
                let range = Span::seconds(0)..=Span::seconds(10);
                child.within("answer_after", &said.answer_after, &range, "answer_after = \"2s\"")?;
                settings.application = said.application;
                settings.answer_after = said.answer_after.0;
            }
            Some(Surface::Smartfin) => {
                let said: SmartfinSection = child.read()?;
                settings.application = said.application;
                settings.loose_purpose = said.loose_purpose;
            }
            Some(_) => settings.application = child.read::<PlainSection>()?.application,
            None => {
                let names = Surface::ALL.map(Surface::as_str).join(", ");
                let fix = format!("the services are {names}");
                return Err(section.wrong(name, "is not a service that Backstop replaces", fix));
            }
        }
        if !applications.contains(&settings.application.as_str()) {
            let fix = match applications {
                [] => "add an [[application]] of that name".to_owned(),
                known => format!("name one of {}", known.join(", ")),
            };
            return Err(child.wrong("application", "names no [[application]]", fix));
        }
        compat.extend(surface.map(|surface| (surface, settings)));
    }
    Ok(compat)
}

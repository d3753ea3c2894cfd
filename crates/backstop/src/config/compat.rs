//! `[compat.<service>]`: the drop-in surfaces, each switched on by naming the application that it fronts.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::{error::ConfigError, read::Section, span::Span};

/// A service whose callers find their endpoints here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Surface {
    /// `/api/auth/send-otp`, `/api/auth/verify-otp`.
    AsyncOtp,
    /// `/auth/...`.
    Fleetflow,
    /// `/send-otp`, `/verify-otp`, `/register-with-otp`, `/forgot-password-otp`.
    Smartfin,
}

impl Surface {
    /// Every surface.
    pub const ALL: [Self; 3] = [Self::AsyncOtp, Self::Fleetflow, Self::Smartfin];

    /// The name in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AsyncOtp => "async_otp",
            Self::Fleetflow => "fleetflow",
            Self::Smartfin => "smartfin",
        }
    }
}

/// What the section of a service can say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SurfaceSection {
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

const fn two_seconds() -> Span {
    Span::seconds(2)
}

/// The surfaces that are on.
#[derive(Debug, Clone)]
pub struct Compat {
    /// Each with the application that it fronts.
    pub applications: BTreeMap<Surface, String>,
    /// When FleetFlow's callers hear that a code was sent.
    pub answer_after: Duration,
    /// Whether SmartFin's callers may change a password with a code to sign in with.
    pub loose_purpose: bool,
}

pub(crate) fn resolve(section: Option<&Section<'_>>, applications: &[&str]) -> Result<Compat, ConfigError> {
    let mut compat =
        Compat { applications: BTreeMap::new(), answer_after: two_seconds().0, loose_purpose: false };
    let Some(section) = section else { return Ok(compat) };
    for name in section.node.table().map(|table| table.keys()).into_iter().flatten() {
        let Some(child) = section.child(name) else { continue };
        let Some(surface) = Surface::ALL.into_iter().find(|surface| surface.as_str() == name) else {
            let names = Surface::ALL.map(Surface::as_str).join(", ");
            let fix = format!("the services are {names}");
            return Err(section.wrong(name, "is not a service that Backstop replaces", fix));
        };
        let application = match surface {
            Surface::AsyncOtp => child.read::<SurfaceSection>()?.application,
            Surface::Fleetflow => {
                let said: FleetflowSection = child.read()?;
                // A request has 15 s in all.
                let bounds = Span::millis(100)..=Span::seconds(10);
                child.within("answer_after", &said.answer_after, &bounds, "answer_after = \"2s\"")?;
                compat.answer_after = said.answer_after.0;
                said.application
            }
            Surface::Smartfin => {
                let said: SmartfinSection = child.read()?;
                compat.loose_purpose = said.loose_purpose;
                said.application
            }
        };
        if !applications.contains(&application.as_str()) {
            let fix = match applications {
                [] => "add an [[application]] of that name".to_owned(),
                known => format!("name one of {}", known.join(", ")),
            };
            return Err(child.wrong("application", "names no [[application]]", fix));
        }
        compat.applications.insert(surface, application);
    }
    Ok(compat)
}

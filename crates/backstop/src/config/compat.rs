//! `[compat.<service>]`: the drop-in surfaces, each switched on by naming the application that it fronts.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{error::ConfigError, read::Section};

/// A service whose callers find their endpoints here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Surface {
    /// `/api/auth/send-otp`, `/api/auth/verify-otp`.
    AsyncOtp,
    /// `/send-otp`, `/verify-otp`.
    Smartfin,
}

impl Surface {
    /// Every surface.
    pub const ALL: [Self; 2] = [Self::AsyncOtp, Self::Smartfin];

    /// The name in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AsyncOtp => "async_otp",
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

/// The surfaces that are on, each with the application that it fronts.
pub type Compat = BTreeMap<Surface, String>;

pub(crate) fn resolve(section: Option<&Section<'_>>, applications: &[&str]) -> Result<Compat, ConfigError> {
    let mut compat = Compat::new();
    let Some(section) = section else { return Ok(compat) };
    for name in section.node.table().map(|table| table.keys()).into_iter().flatten() {
        let Some(child) = section.child(name) else { continue };
        let Some(surface) = Surface::ALL.into_iter().find(|surface| surface.as_str() == name) else {
            let names = Surface::ALL.map(Surface::as_str).join(", ");
            let fix = format!("the services are {names}");
            return Err(section.wrong(name, "is not a service that Backstop replaces", fix));
        };
        let application = child.read::<SurfaceSection>()?.application;
        if !applications.contains(&application.as_str()) {
            let fix = match applications {
                [] => "add an [[application]] of that name".to_owned(),
                known => format!("name one of {}", known.join(", ")),
            };
            return Err(child.wrong("application", "names no [[application]]", fix));
        }
        compat.insert(surface, application);
    }
    Ok(compat)
}

//! The ways in that are open now.
//!
//! Before any factor that depends on the configuration and on what holds for everybody, so a stranger learns nothing about anybody. A
//! device's own token only changes their order. After a first way they are those that the person holds.

use backstop_domain::{
    channel::Channel,
    factor::{Factor, trusted_device::token::DeviceToken},
    ports::store::Whom,
    purpose::Purpose,
    secret::SecretString,
    token::mfa::MfaToken,
    user::{User, UserStatus},
};

use super::{Knock, SignInError, second_factor};
use crate::{Caller, Engine, people::Scene};

/// Whoever asks for ways in.
#[derive(Debug, Clone, Default)]
pub struct WaysQuery {
    /// The token of the device, if it was remembered.
    pub device_token: Option<SecretString>,
    /// The token of a first way.
    pub mfa_token: Option<SecretString>,
}

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WayReport {
    /// Which.
    pub way: Factor,
    /// Over what, if a code is sent.
    pub channel: Option<Channel>,
    /// Whether it can be gone now.
    pub available: bool,
}

impl WayReport {
    fn open(way: Factor) -> Self {
        Self { way, channel: None, available: true }
    }
}

impl Engine {
    /// The ways in that are open now, the ones to offer first first.
    ///
    /// # Errors
    /// If the `mfa_token` is not good any more.
    pub async fn ways(&self, caller: &Caller, query: WaysQuery) -> Result<Vec<WayReport>, SignInError> {
        let scene = self.sign_in_scene(caller);
        if let Some(text) = query.mfa_token {
            let (whom, first) = self.whom(&scene, &Knock::Mfa(text), None)?;
            let first = first.ok_or(SignInError::MfaToken)?;
            return self.second_ways(&scene, caller, whom, &first).await;
        }
        let token = query.device_token.and_then(|text| DeviceToken::parse(text.expose()).ok());
        let is_known = token.is_some_and(|token| token.is_genuine(&scene.ring, scene.application.id));
        let device = [Factor::TrustedDevice, Factor::Pin].map(WayReport::open);
        let mut ways: Vec<WayReport> = Vec::new();
        ways.extend(device.iter().filter(|_| is_known));
        ways.extend(self.sent_codes(caller));
        ways.extend([Factor::Totp, Factor::BackupCode].map(WayReport::open));
        ways.extend(device.iter().filter(|_| !is_known));
        ways.extend(self.relying_party(&scene.application).map(|_| WayReport::open(Factor::Passkey)));
        ways.push(WayReport::open(Factor::Password));
        Ok(ways)
    }

    async fn second_ways(
        &self,
        scene: &Scene,
        caller: &Caller,
        whom: Whom,
        first: &MfaToken,
    ) -> Result<Vec<WayReport>, SignInError> {
        let user = self.noting(self.store.find(scene.application.id, whom).await)?;
        let user = user.filter(|user| user.status == UserStatus::Active).ok_or(SignInError::MfaToken)?;
        let asked = second_factor::asked(scene, &user, first);
        let reports = asked.into_iter().flat_map(|way| match way {
            Factor::Otp => {
                self.sent_codes(caller).into_iter().filter(|report| reaches(scene, &user, report)).collect()
            }
            Factor::Passkey if self.relying_party(&scene.application).is_none() => Vec::new(),
            way => vec![WayReport::open(way)],
        });
        Ok(reports.collect())
    }

    fn sent_codes(&self, caller: &Caller) -> Vec<WayReport> {
        let channels = self.channels_now(caller, &Purpose::login()).into_iter();
        let report = |(channel, available)| WayReport { way: Factor::Otp, channel: Some(channel), available };
        channels.map(report).collect()
    }
}

/// Whether a confirmed address of the person is reached over that channel.
fn reaches(scene: &Scene, user: &User, report: &WayReport) -> bool {
    let addresses = user.confirmed().filter_map(|address| user.open(&scene.ring, address).ok());
    report.channel.is_some_and(|channel| addresses.into_iter().any(|address| channel.reaches(&address)))
}

//! Offline grants.

use std::time::Duration;

use backstop_domain::{
    offline::{Audience, OfflineClaims},
    token::{
        Acr,
        jws::{self, Accepted},
    },
    user::UserStatus,
};
use backstop_engine::{
    manage::{Denied, ManageError},
    users::UserChanges,
};
use futures::executor::block_on;

use super::home::{Home, OTHER_MAIL, PHONE, field};

#[test]
fn a_device_with_a_key_is_granted_and_the_grant_ends_with_its_trust() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let device = home.device(asha, true);
    let gate = || Audience::parse("gate-7").unwrap();
    home.pass(Duration::from_secs(28 * 86_400));
    let by = home.sure(asha);
    let granted = block_on(home.engine.offline_grant(&by, asha, device, gate())).unwrap();
    let accepted =
        Accepted { issuer: "http://localhost:8080", applications: &["gate-7"], now: home.engine.now() };
    let claims: OfflineClaims = jws::verify(&home.house.ring(), granted.token.expose(), &accepted).unwrap();
    assert_eq!((claims.sub, claims.aud), (asha, gate()));
    assert_eq!(granted.expires_at.since(home.engine.now()), Duration::from_secs(2 * 86_400));
    assert_eq!(home.log().last().map(String::as_str), Some("offline.granted"));
    home.pass(Duration::from_secs(2 * 86_400));
    assert_eq!(field(block_on(home.engine.offline_grant(&home.sure(asha), asha, device, gate()))), "device");
}

#[test]
fn no_grant_without_a_key_to_a_suspended_person_to_a_strangers_device_or_by_a_device_alone() {
    let home = Home::new();
    let (asha, ravi) = (home.user(&[PHONE]), home.user(&[OTHER_MAIL]));
    let (bare, keyed, foreign) = (home.device(asha, false), home.device(asha, true), home.device(ravi, true));
    let app = home.application();
    let ask =
        |by, device| block_on(home.engine.offline_grant(by, asha, device, Audience::parse("gate").unwrap()));
    assert_eq!(field(ask(&app, bare)), "device");
    assert!(matches!(ask(&app, foreign), Err(ManageError::NotHeld)));
    let alone = home.person(asha, &["swk"], Acr::Aal1);
    assert!(matches!(ask(&alone, keyed), Err(ManageError::Denied(Denied::StepUp))));
    home.act(asha, |file| {
        file.user.as_mut().unwrap().status = UserStatus::Suspended;
        serde_json::Value::Null
    });
    assert_eq!(field(ask(&app, keyed)), "user");
    let active = UserChanges { status: Some(UserStatus::Active), ..UserChanges::default() };
    block_on(home.engine.update_user(&app, asha, active)).unwrap();
    ask(&app, keyed).unwrap();
}

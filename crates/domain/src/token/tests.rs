//! What the tests of tokens share, and that the kinds are kept apart.

use std::time::Duration;

use super::{
    claims::{Access, Emergency, Issuer, issue},
    jwk::Jwk,
    jws::{self, Accepted},
    session::{EndReason, Session, SessionKind, SignedIn},
    *,
};
use crate::{
    application::ApplicationId,
    clock::Timestamp,
    id::UserId,
    keyring::{KeyUse, Keyring, Kid, generate},
    offline::{Audience, Confirmation, OfflineClaims},
    ports::random::SeededRandom,
};

pub(super) const ISSUER: Issuer<'static> = Issuer { url: "https://verify.example", application: "shop" };

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
}

/// The ring of an installation.
pub(crate) fn ring(seed: u64) -> Keyring {
    let random = SeededRandom::new(seed);
    let keys = KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)));
    Keyring::new(keys).unwrap()
}

pub(super) fn session(kind: SessionKind) -> Session {
    let random = SeededRandom::new(9);
    let by = SignedIn {
        application: ApplicationId(7),
        user: UserId::new(at(-1000), &random),
        kind,
        amr: vec!["pwd".into(), "otp".into()],
        acr: Acr::Aal2,
        device: None,
        network: Some("203.0.113.0/24".into()),
        life: super::session::SESSION,
        on_hold_until: None,
    };
    Session::begin(by, at(0), &random)
}

/// An offline grant to a gate called `shop`.
pub(super) fn grant() -> OfflineClaims {
    let key = Jwk::p256(&[1; 32], &[2; 32]);
    OfflineClaims {
        iss: ISSUER.url.to_owned(),
        sub: session(SessionKind::Normal).user,
        aud: Audience::parse("shop").unwrap(),
        iat: 1_800_000_000,
        exp: 1_800_000_000 + 72 * 3600,
        jti: "AAAAAAAAAAAAAAAAAAAAAA".into(),
        cnf: Confirmation { jkt: key.thumbprint(), jwk: serde_json::to_value(&key).unwrap() },
    }
}

pub(super) fn accepted(seconds: i64) -> Accepted<'static> {
    Accepted { issuer: ISSUER.url, applications: &["shop"], now: at(seconds) }
}

#[test]
fn an_access_token_says_who_signed_in_how_and_when_and_holds_for_ten_minutes() {
    let (ring, session) = (ring(1), session(SessionKind::Normal));
    let issued = issue(&ring, &session, ISSUER, claims::ACCESS, at(60), &SeededRandom::new(4)).unwrap();
    let said: Access = jws::verify(&ring, issued.token.expose(), &accepted(60)).unwrap();
    assert_eq!((said.sub, said.sid, said.acr), (session.user, session.id, Acr::Aal2));
    assert_eq!((said.iss.as_str(), said.aud.as_str()), ("https://verify.example", "shop"));
    assert_eq!((said.auth_time, said.iat, said.exp), (1_800_000_000, 1_800_000_060, 1_800_000_660));
    assert_eq!((said.amr, issued.expires_at), (session.amr.clone(), at(660)));
    let again = issue(&ring, &session, ISSUER, claims::ACCESS, at(60), &SeededRandom::new(5)).unwrap();
    assert_ne!(again.token.expose(), issued.token.expose(), "each has a name of its own");
}

#[test]
fn no_token_outlives_its_session() {
    let (ring, random) = (ring(1), SeededRandom::new(4));
    let session = session(SessionKind::Normal);
    let late = session.expires_at - Duration::from_secs(60);
    assert_eq!(
        issue(&ring, &session, ISSUER, claims::ACCESS, late, &random).unwrap().expires_at,
        session.expires_at
    );
}

#[test]
fn emergency_access_lives_an_hour_and_says_so_in_kind_and_claims() {
    let ring = ring(1);
    let issued =
        issue(&ring, &session(SessionKind::Emergency), ISSUER, claims::ACCESS, at(0), &SeededRandom::new(4))
            .unwrap();
    assert_eq!(issued.expires_at, at(3600));
    let said: Emergency = jws::verify(&ring, issued.token.expose(), &accepted(3599)).unwrap();
    assert_eq!(serde_json::to_value(&said).unwrap()["emergency"], true);
    let over = jws::verify::<Emergency>(&ring, issued.token.expose(), &accepted(3605));
    assert_eq!(over, Err(InvalidToken::Expired));
    let dead = serde_json::to_string(&said).unwrap().replace("\"emergency\":true", "\"emergency\":false");
    assert!(serde_json::from_str::<Emergency>(&dead).is_err());
}

#[test]
fn an_offline_grant_is_signed_as_it_stands() {
    let text = jws::sign(&ring(1), &grant()).unwrap();
    let last = jws::verify(&ring(1), text.expose(), &accepted(72 * 3600 - 1));
    assert_eq!(last, Ok(grant()));
    let over = jws::verify::<OfflineClaims>(&ring(1), text.expose(), &accepted(72 * 3600 + 5));
    assert_eq!(over, Err(InvalidToken::Expired));
}

#[test]
fn no_kind_of_token_is_taken_for_another() {
    let (ring, random) = (ring(1), SeededRandom::new(4));
    let session = session(SessionKind::Normal);
    let texts = [
        jws::sign(&ring, &Access::of(&session, ISSUER, at(0), &random)).unwrap(),
        jws::sign(&ring, &Emergency::of(&session, ISSUER, at(0), &random)).unwrap(),
        jws::sign(&ring, &grant()).unwrap(),
    ];
    for (index, text) in texts.iter().enumerate() {
        let (text, accepted) = (text.expose(), accepted(0));
        let read = [
            jws::verify::<Access>(&ring, text, &accepted).map(|_| ()),
            jws::verify::<Emergency>(&ring, text, &accepted).map(|_| ()),
            jws::verify::<OfflineClaims>(&ring, text, &accepted).map(|_| ()),
        ];
        let mut expected = [Err(InvalidToken::Kind); 3];
        expected[index] = Ok(());
        assert_eq!(read, expected);
    }
}

#[test]
fn every_word_is_read_as_it_is_written() {
    for why in EndReason::ALL {
        assert_eq!(why.as_str().parse(), Ok(why));
    }
    for kind in [SessionKind::Normal, SessionKind::Emergency] {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    for acr in [Acr::Aal1, Acr::Aal2] {
        assert_eq!(acr.as_str().parse(), Ok(acr));
        assert_eq!(serde_json::to_value(acr).unwrap(), acr.as_str());
    }
    assert_eq!(("aal3".parse::<Acr>(), "".parse::<EndReason>()), (Err(InvalidWord), Err(InvalidWord)));
}

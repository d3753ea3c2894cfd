//! What would worry a person who trusts a device.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair,
    },
};
use serde_json::{Value, json};

use super::{
    challenge::{ChallengeRefused, DeviceChallenge, InvalidChallenge, proof_message},
    key::{DeviceKey, InvalidDeviceKey},
    token::{DeviceToken, InvalidDeviceToken},
    *,
};
use crate::{
    factor::pin::{self, Pin},
    id::CROCKFORD,
    keyring::{KeyUse, Kid, generate},
    ports::random::SeededRandom,
};

const MILLI: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);
const APP: ApplicationId = ApplicationId(7);

fn start() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

fn named(name: &str) -> NewDevice {
    NewDevice { name: DeviceName::parse(name).unwrap(), external_id: None, public_key: None, network: None }
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn okp(key: &Ed25519KeyPair) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(key.public_key().as_ref())})
}

/// One person with one device, and the installation's keys.
struct Scene {
    random: SeededRandom,
    ring: Keyring,
    owner: (ApplicationId, UserId),
    device: Device,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let random = SeededRandom::new(seed);
        let keys = KeyUse::ALL.into_iter().zip(1..);
        let ring = Keyring::new(keys.map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)))).unwrap();
        let owner = (APP, UserId::new(start(), &random));
        let new = NewDevice { public_key: Some(DeviceKey::parse(&okp(&pair(9))).unwrap()), ..named("phone") };
        let device = Device::remember(new, TRUST, start(), &random);
        Self { random, ring, owner, device }
    }

    fn token(&self, generation: u32) -> DeviceToken {
        DeviceToken::issue(&self.ring, self.owner.0, self.owner.1, self.device.id, generation)
    }

    /// Presents a token as the device of a `/v1` caller does; what came of it, in a word, with the next generation.
    fn use_at(&mut self, generation: u32, now: Timestamp) -> (&'static str, Option<u32>) {
        let token = self.token(generation);
        word(&self.device.present(&self.ring, self.owner, &token, DeviceUse::Alone, now, true))
    }

    fn challenge(&self, now: Timestamp) -> DeviceChallenge {
        DeviceChallenge::issue(&self.ring, APP, self.device.id, now, &self.random)
    }

    fn answer(&mut self, challenge: &DeviceChallenge, now: Timestamp) -> Result<(), ProofRefused> {
        let message = proof_message(challenge, self.device.id, self.owner.1);
        let signature = pair(9).sign(&message);
        self.device.prove(&self.ring, self.owner, (challenge, signature.as_ref()), DeviceUse::Alone, now)
    }
}

fn word(presented: &Presented) -> (&'static str, Option<u32>) {
    match presented {
        Presented::Good { next } => ("good", next.as_ref().map(DeviceToken::generation)),
        Presented::Replayed => ("replayed", None),
        Presented::Expired => ("expired", None),
        Presented::Forged => ("forged", None),
    }
}

// Tokens.

#[test]
fn each_use_answers_another_token_and_the_old_one_is_good_until_that_is_used() {
    let mut scene = Scene::new(1);
    assert_eq!(scene.device.token(&scene.ring, scene.owner).generation(), 0);
    for minute in 0..5 {
        let now = start() + Duration::from_secs(60) * minute;
        assert_eq!(
            scene.use_at(0, now),
            ("good", Some(minute + 1)),
            "the answer may have been lost each time"
        );
    }
    let later = start() + DAY;
    assert_eq!(scene.use_at(5, later), ("good", Some(6)));
    assert_eq!(scene.use_at(5, later + DAY), ("good", Some(7)));
    assert_eq!(scene.use_at(6, later + DAY), ("good", Some(8)));
}

#[test]
fn two_honest_uses_at_once_do_not_revoke_and_a_replay_after_ten_seconds_does() {
    let mut scene = Scene::new(2);
    assert_eq!(scene.use_at(0, start()), ("good", Some(1)));
    assert_eq!(scene.use_at(0, start()), ("good", Some(2)));
    let now = start() + DAY;
    assert_eq!(scene.use_at(2, now), ("good", Some(3)));
    assert_eq!(scene.use_at(0, now + GRACE), ("good", Some(4)), "it was in use just before");
    assert_eq!(scene.use_at(1, now + GRACE), ("good", Some(5)), "it was handed out beside the one in use");
    let before = scene.device.clone();
    for ended in [0, 1] {
        assert_eq!(scene.use_at(ended, now + GRACE + MILLI), ("replayed", None));
    }
    assert_eq!(scene.device, before, "what becomes of the device is the caller's to do");
    assert_eq!(scene.use_at(5, now + DAY).0, "good", "what the ten seconds answered is as good as any");
    assert_eq!(scene.use_at(4, now + DAY + GRACE + MILLI).0, "replayed");
}

#[test]
fn the_owner_and_a_thief_cannot_both_go_on() {
    // Whose turn it is, in every order of eight turns: once both have used a token after the theft, the next turn of
    // whoever is behind is noticed.
    for order in 0_u32..256 {
        let mut scene = Scene::new(3);
        let (mut now, mut held, mut uses, mut caught) = (start(), [0, 0], [0, 0], false);
        for turn in 0..8 {
            now = now + Duration::from_secs(60);
            let who = usize::from(order >> turn & 1 == 1);
            match scene.use_at(held[who], now) {
                ("good", Some(next)) => (held[who], uses[who]) = (next, uses[who] + 1),
                other => {
                    assert_eq!(other, ("replayed", None));
                    caught = true;
                    break;
                }
            }
        }
        assert!(caught || uses.iter().any(|uses| *uses < 2), "{order:08b}: both went on, {uses:?}");
    }
}

#[test]
fn a_token_that_ended_before_the_last_one_is_a_replay_even_at_once() {
    let mut scene = Scene::new(4);
    assert_eq!(scene.use_at(0, start()), ("good", Some(1)));
    assert_eq!(scene.use_at(1, start()), ("good", Some(2)));
    assert_eq!(scene.use_at(2, start()), ("good", Some(3)));
    assert_eq!(scene.use_at(1, start()).0, "good");
    assert_eq!(scene.use_at(0, start()).0, "replayed");
}

#[test]
fn without_rotation_the_token_stays_the_same() {
    let mut scene = Scene::new(4);
    for day in 0..30 {
        let now = start() + DAY * day;
        let token = scene.token(0);
        let presented = scene.device.present(&scene.ring, scene.owner, &token, DeviceUse::Alone, now, false);
        assert_eq!(word(&presented), ("good", None));
        assert_eq!((scene.device.generation, scene.device.last_seen_at), (0, now));
    }
}

#[test]
fn after_the_store_was_put_back_to_an_older_state_the_devices_newer_token_is_taken() {
    let mut scene = Scene::new(5);
    assert_eq!(scene.use_at(7, start()), ("good", Some(8)));
    let later = start() + GRACE + MILLI;
    assert_eq!(scene.use_at(3, later).0, "replayed");
    assert_eq!(scene.use_at(u32::MAX, later), ("good", None), "the last one there is still lets in");
}

#[test]
fn trust_ends_thirty_days_after_the_sign_in_however_often_it_was_used() {
    let mut scene = Scene::new(6);
    for day in 0..30 {
        assert_eq!(scene.use_at(0, start() + DAY * day).0, "good");
    }
    assert_eq!(scene.use_at(0, start() + TRUST - MILLI).0, "good");
    assert!(scene.device.is_live(start() + TRUST - MILLI));
    let before = scene.device.clone();
    assert_eq!(scene.use_at(0, start() + TRUST).0, "expired");
    assert_eq!(scene.use_at(1, start() + TRUST).0, "expired");
    assert_eq!(scene.device, before, "a refused token changes nothing");
    assert!(!scene.device.is_live(start() + TRUST));
}

#[test]
fn beside_its_pin_a_device_can_prove_itself_for_the_ninety_days_of_the_pin() {
    let mut scene = Scene::new(7);
    let hash = Pin::parse("482913").unwrap().hash(&scene.ring, scene.device.id, &scene.random).unwrap();
    scene.device.pin = Some(pin::DevicePin::set(hash, pin::LIFE, start()));
    let (token, day) = (scene.token(0), start() + DAY * 89);
    let mut present =
        |how, now| word(&scene.device.present(&scene.ring, scene.owner, &token, how, now, false)).0;
    assert_eq!(present(DeviceUse::WithPin, day), "good");
    assert_eq!(present(DeviceUse::Alone, day), "expired");
    assert_eq!(present(DeviceUse::WithPin, start() + pin::LIFE), "expired");
    scene.device.pin = None;
    let presented = scene.device.present(&scene.ring, scene.owner, &token, DeviceUse::WithPin, day, false);
    assert_eq!(word(&presented).0, "expired", "without a PIN there is nothing to stand beside");
}

#[test]
fn a_forged_token_and_one_of_another_device_person_application_or_installation_touch_nothing() {
    let mut scene = Scene::new(8);
    let elsewhere = Scene::new(9);
    let (user, device) = (scene.owner.1, scene.device.id);
    let other_user = UserId::new(start(), &scene.random);
    let other_device = DeviceId::new(start(), &scene.random);
    let real = scene.token(0).expose();
    let mut flipped = real.expose().to_owned();
    let last = if flipped.pop() == Some('0') { '1' } else { '0' };
    flipped.push(last);
    let forged = [
        DeviceToken::parse(&flipped).unwrap(),
        DeviceToken::issue(&elsewhere.ring, APP, user, device, 0),
        DeviceToken::issue(&scene.ring, ApplicationId(8), user, device, 0),
        DeviceToken::issue(&scene.ring, APP, other_user, device, 0),
        DeviceToken::issue(&scene.ring, APP, user, other_device, 0),
    ];
    let before = scene.device.clone();
    for token in &forged {
        let presented =
            scene.device.present(&scene.ring, scene.owner, token, DeviceUse::Alone, start() + DAY, true);
        assert_eq!(word(&presented), ("forged", None));
    }
    assert_eq!(scene.device, before);
    assert_eq!(scene.use_at(0, start()).0, "good");
}

#[test]
fn a_generation_cannot_be_raised_by_writing_another_into_the_token() {
    let mut scene = Scene::new(10);
    let text = scene.token(0).expose();
    let mut bytes = CROCKFORD.decode(&text.expose().as_bytes()[3..]).unwrap();
    bytes[2 * crate::id::BYTES + 3] += 1;
    let raised = DeviceToken::parse(&format!("dt_{}", CROCKFORD.encode(&bytes))).unwrap();
    assert_eq!(raised.generation(), 1, "this is the byte that counts");
    let presented = scene.device.present(&scene.ring, scene.owner, &raised, DeviceUse::Alone, start(), true);
    assert_eq!(word(&presented).0, "forged");
    assert_eq!(scene.device.generation, 0);
}

#[test]
fn a_token_survives_its_own_text_has_one_spelling_and_never_prints() {
    let scene = Scene::new(11);
    let text = scene.token(3).expose();
    let text = text.expose();
    let token = DeviceToken::parse(text).unwrap();
    assert_eq!((token.user(), token.device(), token.generation()), (scene.owner.1, scene.device.id, 3));
    assert!(token.is_genuine(&scene.ring, APP));
    assert_eq!((token.expose().expose(), text.len()), (text, 131));
    assert_eq!(format!("{token:?} {:?}", token.expose()), "[device token] [secret]");
    let bad = [
        "",
        "dt_",
        &text.to_uppercase(),
        &text[1..],
        &text[..130],
        &format!("{text}0"),
        &format!(" {text}"),
        &format!("{text}\n"),
        &text.replace("dt_", "rt_"),
        &format!("dt_{}", "u".repeat(128)),
        &format!("dt_{}", "é".repeat(64)),
        &"0".repeat(1_000_000),
    ];
    for bad in bad {
        assert_eq!(DeviceToken::parse(bad).unwrap_err(), InvalidDeviceToken);
    }
}

#[test]
fn a_clock_that_jumps_back_revives_nothing_and_revokes_nobody() {
    let mut scene = Scene::new(12);
    let now = start() + DAY;
    assert_eq!(scene.use_at(1, now).0, "good");
    let seen = scene.device.last_seen_at;
    assert_eq!(scene.use_at(0, now - Duration::from_secs(3600)).0, "good", "as within the ten seconds");
    assert_eq!(scene.device.last_seen_at, seen);
    assert_eq!(scene.use_at(1, start() - DAY).0, "good");
    assert_eq!(scene.use_at(2, start() + DAY * 3650).0, "expired");
    assert_eq!(scene.device.generation, 1);
}

// Proofs.

#[test]
fn a_devices_signature_over_a_fresh_challenge_proves_it_once() {
    let mut scene = Scene::new(20);
    let challenge = scene.challenge(start());
    assert_eq!(scene.answer(&challenge, start()), Ok(()));
    assert_eq!(scene.answer(&challenge, start() + MILLI), Err(ProofRefused::Used));
    let equal = scene.challenge(start());
    assert_eq!(
        scene.answer(&equal, start() + MILLI),
        Err(ProofRefused::Used),
        "made in the same millisecond"
    );
    let (older, newer) = (scene.challenge(start() + MILLI), scene.challenge(start() + MILLI * 2));
    assert_eq!(scene.answer(&newer, start() + DAY / 1000), Ok(()));
    assert_eq!(scene.answer(&older, start() + DAY / 1000), Err(ProofRefused::Used));
}

#[test]
fn a_challenge_can_be_answered_for_five_minutes() {
    let mut scene = Scene::new(21);
    let challenge = scene.challenge(start());
    let end = start() + challenge::LIFE;
    assert_eq!(challenge.expires_at(), end);
    let over = Err(ProofRefused::Challenge(ChallengeRefused::Over));
    assert_eq!(scene.answer(&challenge, end), over);
    assert_eq!(scene.answer(&challenge, start() + DAY * 3650), over);
    assert_eq!(
        scene.answer(&challenge, start() - Duration::from_millis(5001)),
        over,
        "made by a clock that ran ahead"
    );
    assert_eq!(scene.device.last_challenge_at, None);
    assert_eq!(scene.answer(&challenge, end - MILLI), Ok(()));
    let skewed = scene.challenge(end);
    assert_eq!(scene.answer(&skewed, end - Duration::from_secs(5)), Ok(()), "two nodes may differ a little");
}

#[test]
fn a_clock_that_jumps_back_does_not_make_a_used_challenge_good_again() {
    let mut scene = Scene::new(22);
    let challenge = scene.challenge(start());
    assert_eq!(scene.answer(&challenge, start() + DAY / 1000), Ok(()));
    let ahead = start() + DAY * 20;
    let future = scene.challenge(ahead);
    assert_eq!(scene.answer(&future, ahead), Ok(()));
    assert_eq!(scene.answer(&challenge, start() + DAY / 1000), Err(ProofRefused::Used));
    let fresh = scene.challenge(ahead + MILLI);
    assert_eq!(scene.answer(&fresh, ahead + MILLI), Ok(()), "and is no lock for longer than the jump");
}

#[test]
fn a_challenge_for_another_device_application_or_installation_is_refused() {
    let mut scene = Scene::new(23);
    let elsewhere = Scene::new(24);
    let (device, other) = (scene.device.id, DeviceId::new(start(), &scene.random));
    let mut changed = scene.challenge(start()).to_string();
    let last = if changed.pop() == Some('0') { '1' } else { '0' };
    changed.push(last);
    let foreign = [
        DeviceChallenge::parse(&changed).unwrap(),
        DeviceChallenge::issue(&scene.ring, APP, other, start(), &scene.random),
        DeviceChallenge::issue(&scene.ring, ApplicationId(8), device, start(), &scene.random),
        DeviceChallenge::issue(&elsewhere.ring, APP, device, start(), &scene.random),
    ];
    for challenge in &foreign {
        assert_eq!(scene.answer(challenge, start()), Err(ProofRefused::Challenge(ChallengeRefused::Foreign)));
    }
    assert_eq!(scene.device.last_challenge_at, None);
}

#[test]
fn a_signature_of_another_key_or_over_another_device_person_or_challenge_proves_nothing_and_uses_nothing_up()
{
    let mut scene = Scene::new(25);
    let challenge = scene.challenge(start());
    let (device, user) = (scene.device.id, scene.owner.1);
    let right = proof_message(&challenge, device, user);
    let signatures = [
        pair(8).sign(&right).as_ref().to_vec(),
        pair(9)
            .sign(&proof_message(&challenge, DeviceId::new(start(), &scene.random), user))
            .as_ref()
            .to_vec(),
        pair(9)
            .sign(&proof_message(&challenge, device, UserId::new(start(), &scene.random)))
            .as_ref()
            .to_vec(),
        pair(9).sign(&proof_message(&scene.challenge(start()), device, user)).as_ref().to_vec(),
        pair(9).sign(&right).as_ref()[..63].to_vec(),
        vec![],
        vec![0; 64],
        vec![0xff; 100_000],
    ];
    let before = scene.device.clone();
    for signature in &signatures {
        let proven =
            scene.device.prove(&scene.ring, scene.owner, (&challenge, signature), DeviceUse::Alone, start());
        assert_eq!(proven, Err(ProofRefused::Signature));
    }
    assert_eq!(scene.device, before);
    assert_eq!(scene.answer(&challenge, start()), Ok(()), "nobody else used it up");
}

#[test]
fn an_expired_device_and_one_without_a_key_prove_nothing() {
    let mut scene = Scene::new(26);
    let end = start() + TRUST;
    let challenge = scene.challenge(end - MILLI);
    assert_eq!(scene.answer(&challenge, end), Err(ProofRefused::Expired));
    assert_eq!(scene.answer(&challenge, end - MILLI), Ok(()));
    scene.device.public_key = None;
    let challenge = scene.challenge(end - MILLI);
    assert_eq!(scene.answer(&challenge, end - MILLI), Err(ProofRefused::NoKey));
}

#[test]
fn what_a_device_signs_is_written_down() {
    let scene = Scene::new(27);
    let challenge = scene.challenge(start());
    let (device, user) = (scene.device.id, scene.owner.1);
    let message = String::from_utf8(proof_message(&challenge, device, user)).unwrap();
    let lines: Vec<&str> = message.split('\n').collect();
    assert_eq!(
        lines,
        ["backstop device proof v1", &challenge.to_string(), &device.to_string(), &user.to_string()]
    );
}

#[test]
fn a_challenge_survives_its_own_text_and_has_one_spelling() {
    let text = Scene::new(28).challenge(start()).to_string();
    let challenge = DeviceChallenge::parse(&text).unwrap();
    assert_eq!(
        (challenge.to_string().as_str(), challenge.issued_at(), text.len()),
        (text.as_str(), start(), 99)
    );
    let bad = [
        "",
        "dc_",
        &text.to_uppercase(),
        &text[..98],
        &format!("{text}0"),
        &text.replace("dc_", "dt_"),
        &format!("dc_{}", "é".repeat(48)),
        &"0".repeat(1_000_000),
    ];
    for bad in bad {
        assert_eq!(DeviceChallenge::parse(bad), Err(InvalidChallenge));
    }
    // Any 60 bytes are a spelling; whatever time they claim, only ours is judged.
    let mut far = [0xff; 60];
    far[20] = 0x7f;
    for bytes in [[0; 60], [0xff; 60], far] {
        let far = DeviceChallenge::parse(&format!("dc_{}", CROCKFORD.encode(&bytes))).unwrap();
        let mut scene = Scene::new(28);
        assert!(scene.answer(&far, start()).is_err());
    }
}

// Keys.

const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
/// The public key of RFC 7515, appendix A.3.
const PX: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const PY: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

#[test]
fn the_thumbprint_is_that_of_the_rfcs() {
    let key = DeviceKey::parse(&json!({"kty": "OKP", "crv": "Ed25519", "x": X})).unwrap();
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "RFC 8037, appendix A.3");
    let key = DeviceKey::parse(&json!({"y": PY, "x": PX, "crv": "P-256", "kty": "EC", "kid": "1"})).unwrap();
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{PX}","y":"{PY}"}}"#);
    let digest = ring::digest::digest(&ring::digest::SHA256, members.as_bytes());
    assert_eq!(key.thumbprint(), BASE64URL_NOPAD.encode(digest.as_ref()));
}

#[test]
fn a_key_is_taken_as_browsers_export_it_and_kept_in_its_shortest_form() {
    let exported = json!({"kty": "EC", "crv": "P-256", "x": PX, "y": PY, "ext": true, "key_ops": ["verify"]});
    let key = DeviceKey::parse(&exported).unwrap();
    assert_eq!(key.jwk(), json!({"kty": "EC", "crv": "P-256", "x": PX, "y": PY}));
    let document = serde_json::to_string(&key).unwrap();
    assert_eq!(serde_json::from_str::<DeviceKey>(&document).unwrap(), key);
    for alg in ["EdDSA", "Ed25519"] {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": X, "alg": alg, "use": "sig", "kid": "k"});
        assert!(DeviceKey::parse(&jwk).is_ok());
    }
}

#[test]
fn a_private_key_is_refused_and_not_repeated() {
    let private =
        json!({"kty": "OKP", "crv": "Ed25519", "x": X, "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"});
    assert_eq!(DeviceKey::parse(&private), Err(InvalidDeviceKey::Private));
    for d in [json!(null), json!(""), json!([])] {
        let mut jwk = json!({"kty": "EC", "crv": "P-256", "x": PX, "y": PY});
        jwk["d"] = d;
        assert_eq!(DeviceKey::parse(&jwk), Err(InvalidDeviceKey::Private));
    }
    assert!(!InvalidDeviceKey::Private.to_string().contains("nWGx"));
    assert_eq!(DeviceKey::parse(&json!({"kty": "oct", "k": "AAAA"})), Err(InvalidDeviceKey::Private));
}

#[test]
fn a_hostile_key_is_refused() {
    use InvalidDeviceKey as Bad;
    let zeros = BASE64URL_NOPAD.encode(&[0; 32]);
    let cases = [
        (json!(null), Bad::Kind),
        (json!("text"), Bad::Kind),
        (json!([]), Bad::Kind),
        (json!({}), Bad::Kind),
        (json!({"kty": "RSA", "n": X, "e": "AQAB"}), Bad::Kind),
        (json!({"kty": "OKP", "crv": "X25519", "x": X}), Bad::Kind),
        (json!({"kty": "OKP", "crv": "Ed448", "x": X}), Bad::Kind),
        (json!({"kty": "OKP", "crv": "P-256", "x": PX, "y": PY}), Bad::Kind),
        (json!({"kty": "EC", "crv": "P-384", "x": PX, "y": PY}), Bad::Kind),
        (json!({"kty": "EC", "crv": "secp256k1", "x": PX, "y": PY}), Bad::Kind),
        (json!({"kty": "okp", "crv": "Ed25519", "x": X}), Bad::Kind),
        (json!({"kty": ["OKP"], "crv": "Ed25519", "x": X}), Bad::Kind),
        (json!({"kty": "OKP", "crv": "Ed25519"}), Bad::Coordinate),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": 7}), Bad::Coordinate),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": ""}), Bad::Coordinate),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": format!("{X}=")}), Bad::Coordinate),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": &X[..42]}), Bad::Coordinate),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": format!("{}p", &X[..42])}), Bad::Coordinate),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": X.replace('_', "/")}), Bad::Coordinate),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": "A".repeat(1_000_000)}), Bad::Coordinate),
        (json!({"kty": "EC", "crv": "P-256", "x": PX}), Bad::Coordinate),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": X, "y": PY}), Bad::Member),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": X, "x5u": "https://evil.example"}), Bad::Member),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": X, "alg": "HS256"}), Bad::Member),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": X, "alg": "none"}), Bad::Member),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": X, "use": "enc"}), Bad::Member),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": X, "key_ops": ["sign"]}), Bad::Member),
        (json!({"kty": "EC", "crv": "P-256", "x": PX, "y": PX}), Bad::Point),
        (json!({"kty": "EC", "crv": "P-256", "x": PY, "y": PX}), Bad::Point),
        (json!({"kty": "EC", "crv": "P-256", "x": zeros, "y": zeros}), Bad::Point),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": zeros}), Bad::Point),
    ];
    for (jwk, why) in cases {
        let shown: String = jwk.to_string().chars().take(120).collect();
        assert_eq!(DeviceKey::parse(&jwk), Err(why), "{shown}");
    }
}

#[test]
fn a_key_under_which_one_signature_fits_every_message_is_refused() {
    // The neutral point: with it, R = the neutral point and S = 0 verify for whatever was signed.
    let neutral: Vec<u8> = std::iter::once(1).chain([0; 31]).collect();
    let signature = [neutral.as_slice(), &[0; 32]].concat();
    let jwk = |bytes: &[u8]| json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(bytes)});
    let read: DeviceKey = serde_json::from_value(jwk(&neutral)).unwrap();
    assert!(read.verify(b"anything", &signature) && read.verify(b"at all", &signature), "so it matters");
    assert_eq!(DeviceKey::parse(&jwk(&neutral)), Err(InvalidDeviceKey::Point));
    let mut signed = neutral.clone();
    signed[31] |= 0x80;
    assert_eq!(DeviceKey::parse(&jwk(&signed)), Err(InvalidDeviceKey::Point));
}

#[test]
fn p256_signatures_are_read_in_both_forms_and_a_changed_one_in_neither() {
    let chance = SystemRandom::new();
    for form in [&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P256_SHA256_ASN1_SIGNING] {
        let document = EcdsaKeyPair::generate_pkcs8(form, &chance).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(form, document.as_ref(), &chance).unwrap();
        let point = pair.public_key().as_ref();
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])});
        let key = DeviceKey::parse(&jwk).unwrap();
        let mut signature = pair.sign(&chance, b"message").unwrap().as_ref().to_vec();
        assert!(key.verify(b"message", &signature));
        assert!(!key.verify(b"another", &signature));
        *signature.last_mut().unwrap() ^= 1;
        assert!(!key.verify(b"message", &signature));
        assert!(!key.verify(b"message", &[0; 64]) && !key.verify(b"message", &[]));
    }
}

// The list of devices.

#[test]
fn a_new_device_takes_the_place_of_the_same_one_and_of_those_whose_days_are_over() {
    let random = SeededRandom::new(40);
    let external = |id: &str| Some(ExternalDeviceId::parse(id).unwrap());
    let remember = |name: &str, id: Option<&str>, now| {
        let new = NewDevice { external_id: id.and_then(external), ..named(name) };
        Device::remember(new, TRUST, now, &random)
    };
    let names = |devices: &[Device]| devices.iter().map(|d| d.name.as_str().to_owned()).collect::<Vec<_>>();
    let mut devices = Vec::new();
    assert!(keep(&mut devices, remember("old", None, start()), start()).is_empty());
    let later = start() + DAY;
    assert!(keep(&mut devices, remember("tablet", Some("t-1"), later), later).is_empty());
    assert!(keep(&mut devices, remember("phone", Some("p-1"), later), later).is_empty());
    let gone = keep(&mut devices, remember("new phone", Some("p-1"), start() + TRUST), start() + TRUST);
    assert_eq!(names(&gone), ["old", "phone"]);
    assert_eq!(names(&devices), ["tablet", "new phone"]);
}

#[test]
fn a_person_keeps_twenty_devices_and_the_one_unseen_for_longest_goes_first() {
    let random = SeededRandom::new(41);
    let mut devices = Vec::new();
    for second in 0..20 {
        let now = start() + Duration::from_secs(second);
        assert!(keep(&mut devices, Device::remember(named("d"), TRUST, now, &random), now).is_empty());
    }
    let (first, second) = (devices[0].id, devices[1].id);
    let now = start() + Duration::from_secs(60);
    devices[0].last_seen_at = now;
    let gone = keep(&mut devices, Device::remember(named("d"), TRUST, now, &random), now);
    assert_eq!(gone.iter().map(|device| device.id).collect::<Vec<_>>(), [second]);
    assert_eq!(devices.len(), MAX_DEVICES);
    assert!(devices.iter().any(|device| device.id == first));
}

#[test]
fn a_name_is_a_line_of_plain_text() {
    for good in ["Ravi's phone", "डिपो का टैबलेट", "📱", &"x".repeat(64)] {
        assert_eq!(DeviceName::parse(good).map(|name| name.as_str().to_owned()).as_deref(), Ok(good));
    }
    assert_eq!(DeviceName::parse("  phone ").unwrap().as_str(), "phone");
    for bad in [
        "",
        "   ",
        "a\nb",
        "phone\n",
        "a\0",
        "a\u{1b}[31m",
        "a\u{202e}b",
        "a\u{2028}b",
        &"x".repeat(65),
        &"x".repeat(1_000_000),
    ] {
        assert_eq!(DeviceName::parse(bad), Err(InvalidDevice::Name));
    }
}

#[test]
fn an_applications_id_is_one_bounded_word() {
    for good in ["driver-17:android", "7f1c", &"x".repeat(128)] {
        assert_eq!(ExternalDeviceId::parse(good).map(|id| id.as_str().to_owned()).as_deref(), Ok(good));
    }
    for bad in ["", "a b", "a\n", "a\0", "a\u{202e}b", &"x".repeat(129)] {
        assert_eq!(ExternalDeviceId::parse(bad), Err(InvalidDevice::ExternalId));
    }
}

#[test]
fn a_device_survives_its_own_document_which_holds_no_secret() {
    let mut scene = Scene::new(42);
    let hash = Pin::parse("482913").unwrap().hash(&scene.ring, scene.device.id, &scene.random).unwrap();
    scene.device.pin = Some(pin::DevicePin::set(hash, pin::LIFE, start()));
    scene.use_at(1, start());
    let document = serde_json::to_string(&scene.device).unwrap();
    assert_eq!(serde_json::from_str::<Device>(&document).unwrap(), scene.device);
    let token = scene.token(1).expose();
    assert!(!document.contains(&token.expose()[80..]) && !document.contains("482913"));
    let broken = document.replace("\"phone\"", "\"a\\nb\"");
    assert!(serde_json::from_str::<Device>(&broken).is_err(), "a row that nobody wrote is an error");
}

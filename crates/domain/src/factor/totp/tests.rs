use super::*;
use crate::{
    keyring::{KeyUse, Kid, generate},
    ports::random::SeededRandom,
};

const RAVI: &[u8] = b"1|users|usr_ravi|totp";
const RFC_SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// Second 1 234 567 890: step 41 152 263, which has 30 seconds from here.
const NOW: Timestamp = Timestamp::from_millis(1_234_567_890_000);
const STEP: Duration = Duration::from_secs(30);

fn ring(seed: u64) -> Keyring {
    let random = SeededRandom::new(seed);
    let keys = KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)));
    Keyring::new(keys).unwrap()
}

fn random() -> SeededRandom {
    SeededRandom::new(7)
}

fn take_over(seed: &str, form: TotpForm) -> Result<Totp, InvalidTotp> {
    Totp::import(RAVI, &ring(1), &random(), NOW, seed, form)
}

fn seconds(at: u64) -> Timestamp {
    Timestamp::from_millis(0) + Duration::from_secs(at)
}

/// The code of the RFC's 20-byte seed at `at`, as an app of the default form shows it.
fn code_at(at: Timestamp) -> String {
    let codes = TotpForm::default().with(b"12345678901234567890", None, String::new()).unwrap();
    codes.generate(at.since(Timestamp::from_millis(0)).as_secs())
}

fn accept(totp: &mut Totp, code: &str, now: Timestamp, skew: u8) -> TotpVerdict {
    totp.accept(&ring(1), RAVI, &SubmittedCode::parse(code).unwrap(), now, skew).unwrap()
}

#[test]
fn the_codes_are_those_of_rfc_4226() {
    let codes =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (counter, code) in (0_u64..).zip(codes) {
        let mut totp = take_over(RFC_SEED, TotpForm::default()).unwrap();
        assert_eq!(accept(&mut totp, code, seconds(counter * 30), 0), TotpVerdict::Right, "{counter}");
        assert_eq!(totp.last_step, Some(counter));
    }
}

#[test]
fn the_codes_are_those_of_rfc_6238_for_all_three_hashes() {
    let vectors = [
        (59, "94287082", "46119246", "90693936"),
        (1_111_111_109, "07081804", "68084774", "25091201"),
        (1_111_111_111, "14050471", "67062674", "99943326"),
        (1_234_567_890, "89005924", "91819424", "93441116"),
        (2_000_000_000, "69279037", "90698825", "38618901"),
        (20_000_000_000, "65353130", "77737706", "47863826"),
    ];
    let digits = "1234567890".repeat(7);
    for (at, sha1, sha256, sha512) in vectors {
        for (algorithm, length, code) in [
            (TotpAlgorithm::Sha1, 20, sha1),
            (TotpAlgorithm::Sha256, 32, sha256),
            (TotpAlgorithm::Sha512, 64, sha512),
        ] {
            let seed = data_encoding::BASE32.encode(&digits.as_bytes()[..length]);
            let mut totp = take_over(&seed, TotpForm { algorithm, digits: 8, period: 30 }).unwrap();
            let stored = serde_json::to_string(&totp).unwrap();
            totp = serde_json::from_str(&stored).unwrap();
            assert_eq!(accept(&mut totp, code, seconds(at), 0), TotpVerdict::Right, "{algorithm:?} at {at}");
            assert_eq!(totp.last_step, Some(at / 30));
        }
        let mut totp = take_over(RFC_SEED, TotpForm::default()).unwrap();
        assert_eq!(accept(&mut totp, &sha1[2..], seconds(at), 0), TotpVerdict::Right);
    }
}

#[test]
fn a_code_signs_in_once_and_none_before_it_signs_in_after_it() {
    let mut totp = take_over(RFC_SEED, TotpForm::default()).unwrap();
    let (before, present, after) = (code_at(NOW - STEP), code_at(NOW), code_at(NOW + STEP));
    assert_eq!(accept(&mut totp, &present, NOW, 1), TotpVerdict::Right);
    let used = totp.clone();
    assert_eq!(accept(&mut totp, &present, NOW, 1), TotpVerdict::Replayed);
    assert_eq!(accept(&mut totp, &present, NOW + STEP, 1), TotpVerdict::Replayed);
    assert_eq!(accept(&mut totp, &before, NOW, 1), TotpVerdict::Replayed);
    assert_eq!(totp, used, "a replay changes nothing");
    assert_eq!(accept(&mut totp, &after, NOW, 1), TotpVerdict::Right);
    assert_eq!(accept(&mut totp, &present, NOW, 1), TotpVerdict::Replayed);
}

#[test]
fn one_step_to_either_side_passes_and_two_do_not() {
    for (steps, skew, verdict) in [
        (0, 0, TotpVerdict::Right),
        (1, 0, TotpVerdict::Wrong),
        (1, 1, TotpVerdict::Right),
        (2, 1, TotpVerdict::Wrong),
        (2, u8::MAX, TotpVerdict::Wrong),
    ] {
        for at in [NOW - STEP * steps, NOW + STEP * steps] {
            let mut totp = take_over(RFC_SEED, TotpForm::default()).unwrap();
            let before = totp.clone();
            assert_eq!(accept(&mut totp, &code_at(at), NOW, skew), verdict, "{steps} steps, skew {skew}");
            assert_eq!(totp == before, verdict == TotpVerdict::Wrong);
        }
    }
}

#[test]
fn a_step_ends_at_its_last_millisecond() {
    let mut totp = take_over(RFC_SEED, TotpForm::default()).unwrap();
    let last = NOW + STEP - Duration::from_millis(1);
    assert_eq!(accept(&mut totp.clone(), &code_at(NOW), last, 0), TotpVerdict::Right);
    assert_eq!(accept(&mut totp, &code_at(NOW), NOW + STEP, 0), TotpVerdict::Wrong);
}

#[test]
fn time_before_1970_and_time_without_end_are_judged_without_a_crash() {
    for now in [i64::MIN, -1, 0, i64::MAX] {
        let mut totp = take_over(RFC_SEED, TotpForm::default()).unwrap();
        assert_eq!(accept(&mut totp, "000000", Timestamp::from_millis(now), 1), TotpVerdict::Wrong);
    }
}

#[test]
fn garbage_and_codes_of_another_length_are_wrong() {
    let mut totp = take_over(RFC_SEED, TotpForm::default()).unwrap();
    let code = code_at(NOW);
    for typed in ["ABCDEF", "00005924", &code[..5], &format!("{code}0"), &format!("0{code}"), "12345A"] {
        assert_eq!(accept(&mut totp, typed, NOW, 1), TotpVerdict::Wrong, "{typed}");
    }
    assert_eq!(accept(&mut totp, &format!(" {}-{} ", &code[..3], &code[3..]), NOW, 1), TotpVerdict::Right);
}

#[test]
fn an_enrolment_counts_from_its_first_right_code_and_that_code_is_used() {
    let random = random();
    let (mut totp, secret) = Totp::enrol(RAVI, &ring(1), &random, NOW);
    assert_eq!(secret.seed().len(), 20);
    let codes = TotpForm::default().with(secret.seed(), None, String::new()).unwrap();
    let code = codes.generate(NOW.since(Timestamp::from_millis(0)).as_secs());
    let submitted = SubmittedCode::parse(&code).unwrap();
    let wrong = SubmittedCode::parse(if code == "000000" { "000001" } else { "000000" }).unwrap();

    assert_eq!(accept(&mut totp, &code, NOW, 1), TotpVerdict::Wrong, "an unconfirmed seed signs nobody in");
    let confirm =
        |totp: &mut Totp, code: &SubmittedCode, now| totp.confirm(&ring(1), RAVI, code, now, 1).unwrap();
    assert_eq!(confirm(&mut totp, &wrong, NOW), TotpConfirmation::Wrong);
    assert_eq!((totp.confirmed_at, totp.last_step), (None, None));
    assert_eq!(confirm(&mut totp, &submitted, NOW), TotpConfirmation::Confirmed);
    assert_eq!(totp.confirmed_at, Some(NOW));
    assert_eq!(accept(&mut totp, &code, NOW, 1), TotpVerdict::Replayed);
    assert_eq!(confirm(&mut totp, &submitted, NOW), TotpConfirmation::NotOpen);
}

#[test]
fn an_enrolment_that_nobody_confirms_is_over_after_ten_minutes() {
    let random = random();
    let (mut totp, secret) = Totp::enrol(RAVI, &ring(1), &random, NOW);
    let end = NOW + ENROLMENT_LIFE;
    assert_eq!(ENROLMENT_LIFE, Duration::from_secs(600));
    assert!(totp.is_open(end - Duration::from_millis(1)) && !totp.is_open(end));
    let codes = TotpForm::default().with(secret.seed(), None, String::new()).unwrap();
    let code = SubmittedCode::parse(&codes.generate(end.since(Timestamp::from_millis(0)).as_secs())).unwrap();
    assert_eq!(totp.confirm(&ring(1), RAVI, &code, end, 1), Ok(TotpConfirmation::NotOpen));
    assert_eq!(totp.confirmed_at, None);
}

#[test]
fn a_seed_opens_for_its_own_person_in_its_own_installation_alone() {
    let mut totp = take_over(RFC_SEED, TotpForm::default()).unwrap();
    let before = totp.clone();
    let code = SubmittedCode::parse(&code_at(NOW)).unwrap();
    let asha = b"1|users|usr_asha|totp";
    assert_eq!(totp.accept(&ring(1), asha, &code, NOW, 1), Err(KeyringError::DoesNotOpen));
    assert_eq!(totp.accept(&ring(2), RAVI, &code, NOW, 1), Err(KeyringError::DoesNotOpen));
    totp.form.period = 0;
    assert_eq!(totp.accept(&ring(1), RAVI, &code, NOW, 1), Err(KeyringError::DoesNotOpen));
    totp.form = before.form;
    assert_eq!(totp, before);
    assert_eq!(accept(&mut totp, &code_at(NOW), NOW, 1), TotpVerdict::Right);
}

#[test]
fn a_seed_is_taken_over_however_it_was_written_down() {
    let padded = "GEZDGNBVGY3TQOJQGEZDGNBVGY======";
    for seed in [
        RFC_SEED,
        &RFC_SEED.to_lowercase(),
        "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
        " GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ ",
    ] {
        let mut totp = take_over(seed, TotpForm::default()).unwrap();
        assert_eq!(totp.confirmed_at, Some(NOW));
        assert_eq!(accept(&mut totp, &code_at(NOW), NOW, 0), TotpVerdict::Right, "{seed}");
    }
    // 16 bytes in 26 characters, the last with bits to spare: apps ignore them.
    for seed in [padded, "GEZDGNBVGY3TQOJQGEZDGNBVGY", "GEZDGNBVGY3TQOJQGEZDGNBVGZ"] {
        let secret = TotpSecret::parse(seed, TotpForm::default()).unwrap();
        assert_eq!(secret.seed(), b"1234567890123456");
    }
}

#[test]
fn a_seed_that_is_weak_or_odd_is_not_taken_over() {
    let form = TotpForm::default();
    for (seed, error) in [
        ("", InvalidTotp::TooShort),
        ("====", InvalidTotp::TooShort),
        ("GEZDGNBVGY3TQOJQGEZDGNBV", InvalidTotp::TooShort),
        ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", InvalidTotp::NotBase32),
        ("GEZDGNBVGY3TQOJQ=GEZDGNBVGY3TQOJQ", InvalidTotp::NotBase32),
        ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQA", InvalidTotp::NotBase32),
        ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJÄ", InvalidTotp::NotBase32),
        (&"A".repeat(208), InvalidTotp::TooLong),
        (&"A".repeat(1_000_000), InvalidTotp::TooLong),
    ] {
        assert_eq!(take_over(seed, form).map(|_| ()), Err(error), "{seed:.40}");
    }
    for (digits, period, error) in [
        (5, 30, InvalidTotp::Digits),
        (7, 30, InvalidTotp::Digits),
        (255, 30, InvalidTotp::Digits),
        (6, 0, InvalidTotp::Period),
        (6, 14, InvalidTotp::Period),
        (8, 121, InvalidTotp::Period),
    ] {
        let form = TotpForm { algorithm: TotpAlgorithm::Sha1, digits, period };
        assert_eq!(take_over(RFC_SEED, form).map(|_| ()), Err(error));
    }
    for period in [15, 120] {
        assert!(take_over(RFC_SEED, TotpForm { period, ..form }).is_ok());
    }
}

#[test]
fn an_app_reads_the_seed_and_the_form_from_the_uri() {
    let secret = TotpSecret::parse(RFC_SEED, TotpForm::default()).unwrap();
    assert_eq!(secret.base32().expose(), RFC_SEED);
    assert_eq!(
        secret.provisioning_uri("Fleet & Flow", "ravi+depot@example.com").expose(),
        "otpauth://totp/Fleet%20%26%20Flow:ravi%2Bdepot%40example.com\
         ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Fleet%20%26%20Flow"
    );
    let form = TotpForm { algorithm: TotpAlgorithm::Sha256, digits: 8, period: 60 };
    let secret = TotpSecret::parse(RFC_SEED, form).unwrap();
    let uri = secret.provisioning_uri("a:b?x=1&secret=", "+91 98765:#/%ü");
    let read = TOTP::from_url(uri.expose()).unwrap();
    assert_eq!((read.secret.as_slice(), read.digits, read.step), (secret.seed(), 8, 60));
    assert_eq!(read.algorithm, Algorithm::SHA256);
    assert_eq!(
        (read.issuer.as_deref(), read.account_name.as_str()),
        (Some("a b?x=1&secret="), "+91 98765 #/%ü")
    );
    assert_eq!(uri.expose().matches("secret=").count(), 1);
    assert!(secret.provisioning_uri("", "ravi").expose().starts_with("otpauth://totp/ravi?secret="));
}

#[test]
fn nothing_that_prints_or_is_stored_holds_the_seed() {
    let (totp, secret) = Totp::enrol(RAVI, &ring(1), &random(), NOW);
    let stored = serde_json::to_string(&totp).unwrap();
    let seed = secret.base32();
    assert!(!stored.contains(seed.expose()));
    assert!(!stored.contains(&data_encoding::BASE64.encode(secret.seed())));
    assert_eq!(format!("{secret:?}"), "[secret]");
    assert!(format!("{totp:?}").contains("[sealed, "));
    assert_eq!(serde_json::from_str::<Totp>(&stored).unwrap(), totp);
}

#[test]
fn the_names_of_the_hashes_are_those_of_the_uri() {
    for (name, algorithm) in
        [("SHA1", TotpAlgorithm::Sha1), ("sha256", TotpAlgorithm::Sha256), ("SHA512", TotpAlgorithm::Sha512)]
    {
        assert_eq!(TotpAlgorithm::parse(name), Some(algorithm));
    }
    assert_eq!((TotpAlgorithm::parse("MD5"), TotpAlgorithm::parse("")), (None, None));
}

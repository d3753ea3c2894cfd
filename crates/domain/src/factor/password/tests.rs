use super::*;
use crate::ports::random::SeededRandom;

/// Made by other programs (argon2-cffi, pyca's bcrypt) of `correct horse battery`.
const ARGON2ID: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$69I7qCjDTsQwhQqFvpQJiqEI0lGQvxC84fXE0Ktxca4";
const WEAK_ARGON2ID: &str = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$+/n7MQqMfJmGNtwB+1rxmQ";
const FOUR_LANES: &str =
    "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$UiBIPUuhY3xdXfQ7N3p/au05phWWk9ACmj5PdtUGaas";
const ARGON2I: &str =
    "$argon2i$v=19$m=4096,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$9zPMIhKcfiQl4UJIjG3qGPZNFtgA8stHPOEtxrqPdOE";
const BCRYPT_2A: &str = "$2a$05$ntaOhvYh5oN2wIUWfSWR3ObHDNGTogqtC6NNaYEigvsjAiwqcea4y";
const BCRYPT_2B: &str = "$2b$05$1l3LzfhlzZtsB864AgE23OJLZI73SYkBOJWEd/o83Wafcfu1ibL4W";
/// Of 72 times `a`.
const BCRYPT_LONG: &str = "$2b$04$7CK.g8KbWW8SPxYv7YhN/OphbMjMHhPd4ZqG/IXg8vizDMzpkUi6K";

const NOBODY: &[&str] = &[];

fn typed(text: &str) -> Password {
    Password::submitted(text).unwrap()
}

fn refusal(text: &str, about: &[&str]) -> Option<InvalidPassword> {
    Password::choose(text, about).err()
}

#[test]
fn a_password_of_eight_characters_of_any_kind_is_taken() {
    let longest = "ab cd".repeat(25) + "xyz";
    for text in [
        "tr0ubled",
        "        horse",
        "correct horse battery",
        "пароль-дома",
        "घर का रास्ता",
        "🐘🐎🐪🐄🐖🐏🐐🐕",
        &longest,
    ] {
        assert_eq!(refusal(text, NOBODY), None, "{text}");
    }
}

#[test]
fn a_password_that_is_too_short_too_long_or_unseen_is_refused() {
    for (text, why) in [
        ("", InvalidPassword::Empty),
        ("tr0uble", InvalidPassword::TooShort),
        ("🐘🐎🐪🐄🐖🐏🐐", InvalidPassword::TooShort),
        (&("ab cd".repeat(25) + "wxyz"), InvalidPassword::TooLong),
        (&"🐘".repeat(129), InvalidPassword::TooLong),
        (&"a".repeat(1_000_000), InvalidPassword::TooLong),
        ("correct\0horse", InvalidPassword::ControlCharacter),
        ("correct horse\n", InvalidPassword::ControlCharacter),
        ("correct\u{85}horse", InvalidPassword::ControlCharacter),
    ] {
        assert_eq!(refusal(text, NOBODY), Some(why), "{text:.20?}");
    }
}

#[test]
fn what_anybody_would_try_first_is_refused() {
    for text in [
        "password",
        "PassWord",
        "Password1!",
        "p@ssw0rd",
        "P@ssw0rd123",
        "Welcome@123",
        "qwertyuiop",
        "1qaz2wsx",
        "iloveyou1",
        "9876543210",
        "admin123",
        "india@2024",
        "abcd1234",
        "letmein!",
        "abc12345",
        "login2024",
    ] {
        assert_eq!(refusal(text, NOBODY), Some(InvalidPassword::TooCommon), "{text}");
    }
    for text in
        ["aaaaaaaa", "abababab", "12121212", "111222333", "efghijklmn", "ZYXWVUTS", "12345678", "23456789"]
    {
        assert_eq!(refusal(text, NOBODY), Some(InvalidPassword::Pattern), "{text}");
    }
    for text in ["password of my aunt", "masterful elephants", "summer82736451", "welcome to the depot"] {
        assert_eq!(refusal(text, NOBODY), None, "{text}");
    }
}

#[test]
fn what_others_know_about_the_person_is_refused() {
    let about = &["Fleet Flow", "+919845012345", "ravi.kumar@example.com"];
    for text in [
        "fleetflow",
        "Fleet Flow!",
        "FleetFlow2024",
        "+919845012345",
        "9845012345",
        "919845012345",
        "ravikumar",
        "Ravi_Kumar90",
        "ravi.kumar@example.com",
        "09845012345",
    ] {
        assert_eq!(refusal(text, about), Some(InvalidPassword::Personal), "{text}");
        assert_eq!(refusal(text, NOBODY), None, "{text}");
    }
    for text in ["flow of the ganga", "ravi likes elephants", "9123456789", "fleetflow is my place"] {
        assert_eq!(refusal(text, about), None, "{text}");
    }
    assert_eq!(refusal("tr0ubled", &["", "@", "ab", "+"]), None, "what is hardly a word is in everything");
}

#[test]
fn the_same_letters_typed_on_another_keyboard_are_the_same_password() {
    let random = SeededRandom::new(1);
    let hash = PasswordHash::hash(&Password::choose("Zoë in the café", NOBODY).unwrap(), &random);
    assert!(hash.verify(&typed("Zoe\u{308} in the cafe\u{301}")));
    assert!(!hash.verify(&typed("Zoe in the cafe")));
}

#[test]
fn a_hash_of_ours_fits_its_password_alone_and_has_the_recommended_cost() {
    let random = SeededRandom::new(1);
    let password = Password::choose("correct horse battery", NOBODY).unwrap();
    let hash = PasswordHash::hash(&password, &random);
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(
        hash.verify(&password) && !hash.verify(&typed("correct horse batterz")) && !hash.verify(&typed("c"))
    );
    assert!(!hash.is_outdated(&password));
    assert_ne!(PasswordHash::hash(&password, &random), hash, "each has its own salt");
    let stored = serde_json::to_string(&hash).unwrap();
    assert_eq!(serde_json::from_str::<PasswordHash>(&stored).unwrap(), hash);
}

#[test]
fn an_unknown_persons_password_costs_as_much_and_is_never_right() {
    let dummy = PasswordHash::dummy();
    assert_eq!(PasswordHash::parse(dummy.expose()), Ok(dummy.clone()));
    let ours = PasswordHash::hash(&typed("correct horse battery"), &SeededRandom::new(1));
    let shape = |hash: &PasswordHash| hash.expose().split('$').map(str::len).collect::<Vec<_>>();
    assert_eq!(shape(&dummy), shape(&ours));
    let cost = |hash: &PasswordHash| hash.expose().split('$').nth(3).map(str::to_owned);
    assert_eq!(cost(&dummy), cost(&ours));
    assert!(!dummy.verify(&typed("correct horse battery")));
}

#[test]
fn hashes_of_other_systems_fit_their_passwords_and_are_replaced_if_weaker() {
    let password = typed("correct horse battery");
    for (text, outdated) in [
        (ARGON2ID, false),
        (FOUR_LANES, false),
        (WEAK_ARGON2ID, true),
        (BCRYPT_2A, true),
        (BCRYPT_2B, true),
        (&BCRYPT_2B.replace("$2b$", "$2y$"), true),
    ] {
        let hash = PasswordHash::parse(text).unwrap();
        assert!(hash.verify(&password), "{text}");
        assert!(!hash.verify(&typed("correct horse batterz")), "{text}");
        assert_eq!(hash.is_outdated(&password), outdated, "{text}");
        assert_eq!(hash.expose(), text);
    }
    let short = PasswordHash::parse("$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe").unwrap();
    assert!(short.verify(&typed("a")), "an imported person with a short password gets in");
}

#[test]
fn bcrypt_sees_72_bytes_and_what_it_did_not_see_is_not_hashed_anew() {
    let hash = PasswordHash::parse(BCRYPT_LONG).unwrap();
    let (whole, longer) = (typed(&"a".repeat(72)), typed(&("a".repeat(72) + "typed wrong")));
    assert!(hash.verify(&whole) && hash.verify(&longer) && !hash.verify(&typed(&"a".repeat(71))));
    assert!(hash.is_outdated(&whole) && !hash.is_outdated(&longer));
}

#[test]
fn a_hash_that_would_be_a_bomb_is_refused() {
    let argon = |cost: &str| ARGON2ID.replace("m=19456,t=2,p=1", cost);
    for text in [
        argon("m=262145,t=2,p=1"),
        argon("m=4294967295,t=2,p=1"),
        argon("m=19456,t=11,p=1"),
        argon("m=19456,t=4294967295,p=1"),
        argon("m=19456,t=2,p=5"),
        BCRYPT_2B.replace("$05$", "$15$"),
        BCRYPT_2B.replace("$05$", "$31$"),
        BCRYPT_2B.replace("$05$", "$99$"),
    ] {
        assert_eq!(PasswordHash::parse(&text), Err(InvalidPasswordHash::TooCostly), "{text}");
        assert!(serde_json::from_value::<PasswordHash>(text.into()).is_err());
    }
    for text in [argon("m=262144,t=10,p=4"), BCRYPT_2B.replace("$05$", "$14$")] {
        assert!(PasswordHash::parse(&text).is_ok(), "{text}");
    }
}

#[test]
fn what_is_no_hash_that_could_ever_fit_is_refused() {
    let secret = ARGON2ID.replace("p=1$", "p=1,keyid=AAAA$");
    let data = ARGON2ID.replace("p=1$", "p=1,data=AAAA$");
    let (salt, hash) = ("MDEyMzQ1Njc4OWFiY2RlZg", "69I7qCjDTsQwhQqFvpQJiqEI0lGQvxC84fXE0Ktxca4");
    for text in [
        "",
        "correct horse battery",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        ARGON2I,
        &ARGON2ID.replace("argon2id", "argon2d"),
        &ARGON2ID.replace("$v=19", ""),
        &ARGON2ID.replace("v=19", "v=16"),
        &secret,
        &data,
        &ARGON2ID.replace(salt, "c2FsdA"),
        &ARGON2ID.replace(hash, "69I7qCjDTsQwhQqF"),
        &ARGON2ID.replace(&format!("${hash}"), ""),
        &ARGON2ID.replace("m=19456", "m=1"),
        &ARGON2ID.replace("m=19456", "m=-1"),
        &ARGON2ID.replace("t=2", "t=0"),
        &format!("{ARGON2ID}{}", "A".repeat(1_000_000)),
        &BCRYPT_2B.replace("$2b$", "$2x$"),
        &BCRYPT_2B.replace("$2b$", "$2$"),
        &BCRYPT_2B.replace("$05$", "$03$"),
        &BCRYPT_2B.replace("$05$", "$+5$"),
        &BCRYPT_2B[..59],
        &format!("{BCRYPT_2B}A"),
        &format!("${}", &BCRYPT_2B[..59]),
        &BCRYPT_2B.replace('/', "!"),
        &BCRYPT_2B.replace('/', "ü"),
    ] {
        assert_eq!(PasswordHash::parse(text), Err(InvalidPasswordHash::UnknownForm), "{text:.120}");
    }
}

#[test]
fn neither_a_password_nor_its_hash_prints() {
    let hash = PasswordHash::parse(BCRYPT_2B).unwrap();
    assert_eq!(format!("{:?} {hash:?}", typed("correct horse battery")), "[password] [password hash]");
}

use backstop_domain::user::{SecondFactor, UserStatus};
use serde_json::json;

use super::*;

const BCRYPT: &str = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn rows(text: &str) -> Vec<Result<NewUser, InvalidRow>> {
    of_csv(text.as_bytes(), None).unwrap().collect()
}

fn field(row: Result<NewUser, InvalidRow>) -> &'static str {
    row.unwrap_err().field
}

#[test]
fn csv_and_json_say_the_same() {
    let text = format!(
        "email,phone,role,status,second_factor,locale,password_hash,totp_seed,totp_algorithm,totp_digits,totp_period\n\
         asha@example.com,+91 98765 43210,driver,suspended,required,hi-IN,{BCRYPT},{SEED},sha256,8,60\n"
    );
    let object = json!({
        "email": "asha@example.com", "phone": "+91 98765 43210", "role": "driver", "status": "suspended",
        "second_factor": "required", "locale": "hi-IN", "password_hash": BCRYPT, "totp_seed": SEED,
        "totp_algorithm": "SHA256", "totp_digits": 8, "totp_period": "60",
    });
    for user in [rows(&text).remove(0).unwrap(), of_json(&object, None).unwrap()] {
        let to: Vec<_> =
            user.addresses.iter().map(|address| (address.to.expose(), address.confirmed)).collect();
        assert_eq!(to, [("+919876543210", true), ("asha@example.com", true)]);
        assert_eq!((user.role.as_str(), user.locale.as_deref()), ("driver", Some("hi-IN")));
        assert_eq!((user.status, user.second_factor), (UserStatus::Suspended, SecondFactor::Required));
        assert_eq!(user.password_hash.unwrap().expose(), BCRYPT);
        let totp = user.totp.unwrap();
        assert_eq!(totp.form, TotpForm { algorithm: TotpAlgorithm::Sha256, digits: 8, period: 60 });
        assert_eq!(totp.seed.expose(), SEED);
    }
}

#[test]
fn what_is_empty_or_null_is_not_there() {
    let empty = rows("phone,email,role,totp_seed\n,asha@example.com, ,\n").remove(0).unwrap();
    let null = of_json(&json!({ "email": "asha@example.com", "phone": null, "role": "" }), None).unwrap();
    for user in [empty, null] {
        assert_eq!((user.addresses.len(), user.role.as_str(), user.totp.is_none()), (1, "user", true));
    }
}

#[test]
fn a_number_without_a_plus_is_read_in_the_default_region_or_refused() {
    let row = json!({ "phone": "098765 43210" });
    assert_eq!(field(of_json(&row, None)), "phone");
    let user = of_json(&row, Region::parse("IN")).unwrap();
    assert_eq!(user.addresses[0].to.expose(), "+919876543210");
}

#[test]
fn a_bad_row_is_named_and_stops_no_other() {
    let read = rows(
        "email,role\nasha@example.com,driver\nnobody,driver\n,driver\nravi@example.com,No Role\nm@example.com\nlast@example.com,\n",
    );
    let read: Vec<_> = read.into_iter().map(|row| row.map_or_else(|error| error.field, |_| "fine")).collect();
    assert_eq!(read, ["fine", "email", "row", "role", "row", "fine"]);
}

#[test]
fn an_unknown_or_doubled_name_in_the_header_refuses_the_file() {
    assert!(matches!(
        of_csv("email,passwrod_hash\n".as_bytes(), None),
        Err(InvalidRow { field: "header", .. })
    ));
    assert!(matches!(of_csv("email,email\n".as_bytes(), None), Err(InvalidRow { field: "email", .. })));
    assert_eq!(field(of_json(&json!({ "email": "asha@example.com", "pass": "x" }), None)), "header");
}

#[test]
fn hostile_values_are_refused_without_repeating_them() {
    let secret = "S3cretValue";
    for name in FIELDS.into_iter().filter(|name| *name != "totp_seed") {
        let refused = of_json(&json!({ "email": "asha@example.com", name: format!("{secret}!") }), None);
        let refused = refused.expect_err(name);
        assert_eq!(refused.field, name);
        assert!(!refused.to_string().contains(secret), "{refused}");
    }
    for odd in [json!([secret]), json!(secret), json!({ "email": [secret] }), json!({ secret: 1 })] {
        assert!(!of_json(&odd, None).unwrap_err().to_string().contains(secret), "{odd}");
    }
    let form_alone = json!({ "email": "asha@example.com", "totp_digits": 8 });
    assert_eq!(field(of_json(&form_alone, None)), "totp_seed");
    for digits in ["-1", "300", "6.5"] {
        assert_eq!(
            field(of_json(&json!({ "email": "a@example.com", "totp_digits": digits }), None)),
            "totp_digits"
        );
    }
}

//! Users of another system.

use backstop_domain::factor::password::Password;
use backstop_engine::{
    manage::ManageError,
    users::{NewUser, import},
};
use futures::executor::block_on;

use super::home::{Home, OTHER_MAIL, PHONE, field, secret};

const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

#[test]
fn good_rows_become_users_beside_bad_ones() {
    let home = Home::new();
    home.user(&[OTHER_MAIL]);
    let file = format!(
        "phone,email,role,password_hash,totp_seed\n\
         {PHONE},asha@example.com,driver,{BCRYPT},{SEED}\n\
         ,{OTHER_MAIL},,,\n\
         ,weak@example.com,,,JBSWY3DP\n\
         ,last@example.com,,,\n"
    );
    let rows: Vec<NewUser> =
        import::of_csv(file.as_bytes(), None).unwrap().collect::<Result<_, _>>().unwrap();
    let mut made = block_on(home.engine.import_users(&home.application(), rows));
    let last = made.remove(3).unwrap();
    assert_eq!(field(made.remove(2)), "totp");
    assert!(matches!(made.remove(1), Err(ManageError::AddressTaken)));
    let asha = made.remove(0).unwrap();
    assert_eq!(home.report(last).addresses[0].to, "last@example.com");
    let report = home.report(asha);
    assert_eq!((report.role.as_str(), report.addresses.len()), ("driver", 2));
    assert_eq!(report.factors.totp, Some(home.engine.now()), "a seed is in use at once");
    let kept = home.row(asha).unwrap().profile.ways;
    assert!(kept.password.unwrap().verify(&Password::submitted("U*U").unwrap()));
    assert_eq!(home.log()[1..], ["user.imported", "user.imported"]);
}

#[test]
fn a_password_and_the_hash_of_one_exclude_each_other() {
    let home = Home::new();
    let new = NewUser {
        addresses: vec![super::home::confirmed(PHONE)],
        password: Some(secret("correct horse battery")),
        password_hash: Some(backstop_domain::factor::password::PasswordHash::parse(BCRYPT).unwrap()),
        ..NewUser::default()
    };
    assert_eq!(field(home.create(new)), "password_hash");
}

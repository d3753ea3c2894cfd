//! Erasing a person, and handing out what is kept of them.

use backstop_domain::ports::store::Audit;
use backstop_engine::manage::{Denied, ManageError};
use futures::executor::block_on;

use super::home::{Home, MAIL, OTHER_MAIL, PHONE, secret};

#[test]
fn nothing_is_left_of_an_erased_person_and_the_audit_log_stays_whole() {
    let home = Home::new();
    let asha = home.user(&[PHONE]);
    let by = home.sure(asha);
    block_on(home.engine.set_password(&by, asha, &secret("correct horse battery"))).unwrap();
    block_on(home.engine.erase_user(&by, asha)).unwrap();
    assert_eq!(home.row(asha), None);
    let gone = block_on(home.engine.erase_user(&home.application(), asha));
    assert!(matches!(gone, Err(ManageError::Denied(Denied::NotFound))));
    assert_eq!(home.log().last().map(String::as_str), Some("user.erased"));
    assert_eq!(block_on(home.house.store.audit_details(0, 500)).unwrap(), []);
    block_on(home.engine.verify_audit()).unwrap().unwrap();
    assert_ne!(home.user(&[PHONE]), asha, "the number is free again");
}

#[test]
fn an_export_holds_what_is_kept_and_nothing_that_opens_a_door() {
    let mut home = Home::new();
    let (asha, _) = (home.user(&[PHONE, MAIL]), home.user(&[OTHER_MAIL]));
    home.device(asha, true);
    let seed = home.totp(asha);
    let codes = block_on(home.engine.generate_backup_codes(&home.application(), asha)).unwrap();
    let by = home.sure(asha);
    block_on(home.engine.set_password(&by, asha, &secret("correct horse battery"))).unwrap();
    let engine = home.engine.clone();
    let own = home.house.start(&engine, &[PHONE, "asha+other@example.com"]);
    let export = block_on(home.engine.export_user(&by, asha)).unwrap();
    assert_eq!(export["user"]["addresses"][0]["to"], PHONE);
    assert_eq!(export["factors"]["password"], true);
    assert_eq!(export["factors"]["devices"][0]["name"], "phone");
    assert_eq!(export["factors"]["backup_codes"]["left"], 10);
    assert_eq!(export["sessions"].as_array().unwrap().len(), 1);
    let told = export["verifications"].as_array().unwrap();
    assert_eq!(told.len(), 1, "the other address is somebody else's");
    assert!(own.iter().any(|id| told[0]["id"] == id.to_string()));
    assert!(!told[0]["to"].as_str().unwrap().contains("987654"));
    let text = export.to_string();
    for secret in codes.iter().chain([&seed]) {
        assert!(!text.contains(secret.expose()));
    }
    assert!(!text.contains("$argon2") && !text.contains("sealed") && !text.contains("hash"), "{text}");
    assert_eq!(home.log().last().map(String::as_str), Some("user.exported"));
}

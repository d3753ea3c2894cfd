//! The store in the operator's hands: backup, restore, and the key that opens it.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{ALL, ASHA, err, exit, shop, start, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_comes_back_without_codes_that_were_on_their_way_and_without_the_root_key() {
    let (gateway, mut program) = shop(&ALL).await;
    let caller = program.shop();
    let (pending, approved) = (start(&caller, ASHA).await, start(&caller, "+919876543210").await);
    let code = gateway.code(&pending).await;
    let right = gateway.code(&approved).await;
    assert_eq!(caller.check(&approved, &right).await.expect(200)["valid"], true);
    let done = told(&program, &["backup", "copy.db"], 0);
    let copy = program.folder().join("copy.db");
    assert_eq!(done["bytes"], fs::metadata(&copy).unwrap().len());
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o077, 0, "its owner's alone");
    let root = fs::read_to_string(program.folder().join("data/root.key")).unwrap();
    let bytes = fs::read(&copy).unwrap();
    let raw: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&root[2 * i..2 * i + 2], 16).unwrap()).collect();
    assert!(
        !bytes.windows(32).any(|window| window == raw)
            && !bytes.windows(64).any(|w| w == root.trim().as_bytes())
    );
    assert_eq!(exit(&program.run(&["backup", "copy.db"])), 2, "nothing is overwritten");

    let later = start(&caller, "+14155550124").await;
    let running = program.run(&["restore", "copy.db"]);
    assert_eq!(exit(&running), 2);
    assert!(err(&running).contains("fix:"), "{}", err(&running));
    assert!(program.stop());
    assert_eq!(exit(&program.run(&["restore", "log"])), 2, "what is no backup is refused");
    told(&program, &["restore", "copy.db"], 0);
    program.start();
    let caller = program.shop();
    assert_eq!(caller.read(&pending).await["status"], "canceled");
    assert_eq!(caller.check(&pending, &code).await.expect(200)["valid"], false);
    assert_eq!(caller.read(&approved).await["status"], "approved");
    assert_eq!(caller.check(&approved, &right).await.expect(200)["valid"], false, "and not a second time");
    assert_eq!(caller.get(&format!("/v1/verifications/{later}")).await.status, 404);
    let fresh = start(&caller, ASHA).await;
    let code = gateway.code(&fresh).await;
    assert_eq!(caller.check(&fresh, &code).await.expect(200)["valid"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_opens_with_its_own_root_key_only_and_for_one_service_only() {
    let (gateway, mut program) = shop(&ALL).await;
    let id = start(&program.shop(), ASHA).await;
    let code = gateway.code(&id).await;
    let second = program.run(&["serve"]);
    assert_eq!(exit(&second), 2, "a second service refuses: {}", err(&second));
    program.kill();
    let path = program.folder().join("data/root.key");
    let root = fs::read_to_string(&path).unwrap();
    fs::write(&path, "11".repeat(32)).unwrap();
    for command in ["serve", "doctor"] {
        let other = program.run(&[command]);
        assert_eq!(exit(&other), 2);
        assert!(err(&other).contains("another root key") && err(&other).contains("fix:"), "{}", err(&other));
    }
    fs::remove_file(&path).unwrap();
    let missing = program.run(&["serve"]);
    assert_eq!(exit(&missing), 2);
    assert!(
        err(&missing).contains("root key is missing") && err(&missing).contains("fix:"),
        "{}",
        err(&missing)
    );
    assert!(!path.exists(), "no new key is made for a store that has one");
    fs::write(&path, "half a k").unwrap();
    assert_eq!(exit(&program.run(&["serve"])), 2);
    fs::write(&path, &root).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let open = program.run(&["serve"]);
    assert!(exit(&open) == 2 && err(&open).contains("fix:"), "others can read it: {}", err(&open));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    program.start();
    assert_eq!(
        program.shop().check(&id, &code).await.expect(200)["valid"],
        true,
        "and the old code is still good"
    );
}

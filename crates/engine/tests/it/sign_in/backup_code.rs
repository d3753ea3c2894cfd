//! Signing in with a backup code.

use backstop_domain::{factor::backup_code::SubmittedBackupCode, notice::NoticeKind};
use backstop_engine::sign_in::Knock;

use super::{ASHA, Town, address, tokens};

#[test]
fn each_use_is_told_with_how_many_are_left_and_three_left_is_told_besides() {
    let mut town = Town::with_webhook();
    let codes = town.backup_codes();
    for code in &codes[..8] {
        let (knock, code) =
            (Knock::Address(address(ASHA)), SubmittedBackupCode::parse(code.expose()).unwrap());
        tokens(town.ask(|engine, caller| async move {
            engine.sign_in_backup_code(&caller, &knock, code, None).await
        }));
    }
    let left = |kind| {
        let owed = town.owed(kind);
        owed.iter().map(|one| one["data"]["codes_left"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let mut used = left(NoticeKind::BackupCodeUsed);
    used.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!((used, left(NoticeKind::BackupCodesLow)), (vec![9, 8, 7, 6, 5, 4, 3, 2], vec![3]));
}

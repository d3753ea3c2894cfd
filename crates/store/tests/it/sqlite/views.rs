//! Plain SQL over `otp_verification`, as the monitoring of an in-house service asked it.

use backstop_domain::{attempt::AttemptState, outcome::VendorResponse, ports::store::Deliveries as _};

use super::World;
use crate::setup::{ASHA, RAVI, at, wait};

/// Two starts, one of them approved; one vendor took the message, one refused.
fn day() -> World {
    let world = World::new();
    for (to, second, success, words) in [(ASHA, 0, true, "queued"), (RAVI, 60, false, "no credit")] {
        let purpose = if success { "login" } else { "own_word" };
        let new = world.new_start_with(to, at(second), |row| row.purpose = purpose.parse().unwrap());
        let (id, delivery) = world.start(&new);
        let attempt = world.begin(id, delivery, "gupshup", at(second));
        let state = if success { AttemptState::Accepted } else { AttemptState::Rejected };
        let outcome = if success { "accepted" } else { "out_of_credit" };
        let mut said = world.said(&attempt, state, outcome, at(second + 1));
        said.vendor_response = Some(VendorResponse::new(success, words));
        wait(world.store.finish_attempt(said)).unwrap();
        if success {
            world.answer(id, &world.code(id), at(second + 30));
        }
    }
    world
}

#[test]
fn the_view_shows_what_an_in_house_table_showed() {
    let world = day();
    let sql = world.sql();
    let mut query = sql
        .prepare(
            "SELECT phone, purpose, attempts, is_verified, expires_at, vendor_response, created_at, verified_at \
             FROM otp_verification ORDER BY created_at",
        )
        .unwrap();
    let mut rows = query.query([]).unwrap();
    let row = rows.next().unwrap().unwrap();
    assert_eq!(row.get::<_, String>("phone").unwrap(), "+91••••••••10");
    assert_eq!(row.get::<_, i64>("purpose").unwrap(), 1);
    assert_eq!(
        (row.get::<_, i64>("attempts").unwrap(), row.get::<_, bool>("is_verified").unwrap()),
        (1, true)
    );
    assert_eq!(row.get::<_, String>("created_at").unwrap(), "2027-01-15 08:00:00");
    assert_eq!(row.get::<_, String>("expires_at").unwrap(), "2027-01-15 08:10:00");
    assert_eq!(row.get::<_, String>("verified_at").unwrap(), "2027-01-15 08:00:30");
    assert_eq!(
        row.get::<_, String>("vendor_response").unwrap(),
        r#"{"success":true,"response":"queued","outcome":"accepted"}"#
    );
    let row = rows.next().unwrap().unwrap();
    assert_eq!(row.get::<_, String>("purpose").unwrap(), "own_word");
    assert_eq!(row.get::<_, Option<String>>("verified_at").unwrap(), None);
}

#[test]
fn the_success_rate_of_the_last_day_is_one_query() {
    let world = day();
    let (total, verified, rate): (i64, i64, f64) = world
        .sql()
        .query_row(
            "SELECT count(*), sum(is_verified), 100.0 * sum(is_verified) / count(*) FROM otp_verification \
             WHERE created_at >= datetime('2027-01-15 12:00:00', '-24 hours')",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!((total, verified, rate), (2, 1, 50.0));
}

#[test]
fn the_vendors_responses_of_the_last_day_are_one_query() {
    let world = day();
    let sql = world.sql();
    let mut query = sql
        .prepare(
            "SELECT json_extract(vendor_response, '$.success') AS success, \
             json_extract(vendor_response, '$.response') AS response, count(*) FROM otp_verification \
             WHERE created_at >= datetime('2027-01-15 12:00:00', '-24 hours') \
             GROUP BY success, response ORDER BY success DESC",
        )
        .unwrap();
    let rows: Vec<(bool, String, i64)> = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows, [(true, "queued".into(), 1), (false, "no credit".into(), 1)]);
}

#[test]
fn nothing_in_the_files_reads_as_a_number_or_a_code() {
    let world = day();
    let (id, _) = world.start(&world.new_start("+919812398123", at(100)));
    let code = world.code(id);
    for file in ["backstop.db", "backstop.db-wal"] {
        let bytes = std::fs::read(world.path().with_file_name(file)).unwrap();
        for secret in [&b"9876543210"[..], b"9812398123", code.as_bytes()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{file}");
        }
    }
}

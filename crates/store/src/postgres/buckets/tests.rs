use super::*;

const APP: ApplicationId = ApplicationId(7);
const WHO: LookupHash = LookupHash([3; 16]);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
}

fn charge(seconds: i64) -> Charge {
    Charge { at: at(seconds), is_check: false, public: true, application: APP }
}

/// A row as it stands after charges in these seconds.
fn row(seconds: impl Iterator<Item = i64>) -> BucketRow {
    let text: String = seconds.map(|second| charge(second).text()).collect();
    BucketRow::locked(text, String::new(), Default::default())
}

#[test]
fn a_charge_that_was_foreseen_is_not_written_twice() {
    let expected = (charge(5).text(), String::new());
    let stands = format!("{}{}", charge(1).text(), expected.0);
    let mut row = BucketRow::locked(stands, String::new(), expected);
    row.charge(&charge(5));
    assert_eq!(row.to_write(&recipient(WHO), at(5)), None);
}

#[test]
fn a_charge_that_was_foreseen_and_refused_is_taken_away_again() {
    let expected = (charge(5).text(), String::new());
    let stands = format!("{}{}", charge(1).text(), expected.0);
    let row = BucketRow::locked(stands, String::new(), expected);
    let (charges, ..) = row.to_write(&recipient(WHO), at(5)).unwrap();
    assert_eq!(charges, charge(1).text());
}

#[test]
fn a_long_row_sheds_what_its_own_window_does_not_see_and_else_stands() {
    let application = row_of(&Bucket::Application(APP));
    let network = row_of(&Bucket::Network(APP, WHO));
    let (shed, ..) = row(0..600).to_write(&application, at(600)).unwrap();
    assert_eq!(shed.split_ascii_whitespace().count(), 119, "a minute, and a minute for clocks");
    assert_eq!(row(0..600).to_write(&network, at(600)), None, "an hour sees all of it");
    assert_eq!(row(0..600).to_write(&recipient(WHO), at(600)), None);
}

#[test]
fn one_charge_of_a_moment_is_given_back_and_no_other() {
    let key = row_of(&Bucket::Network(APP, WHO));
    let mut row = row([1, 2, 2, 3].into_iter());
    row.charge(&charge(4));
    row.give_back(at(2));
    row.give_back(at(9));
    let (charges, ..) = row.to_write(&key, at(5)).unwrap();
    let left: Vec<_> = charges.split_ascii_whitespace().map(|text| Charge::parse(text).unwrap().at).collect();
    assert_eq!(left, [at(1), at(2), at(3), at(4)]);
}

#[test]
fn what_is_no_charge_and_no_live_verification_is_named_and_not_guessed_at() {
    let key = recipient(WHO);
    for (charges, live) in
        [("1800000000000xs1 ", ""), ("soon ", ""), ("", "1,ver_0,s,1,-,login\n"), ("", "x\n")]
    {
        let row = BucketRow::locked(charges.into(), live.into(), Default::default());
        let told = row.remember(&key, &mut Memory::at(at(0))).unwrap_err().to_string();
        assert!(told.contains("bad row in buckets"), "{told}");
    }
}

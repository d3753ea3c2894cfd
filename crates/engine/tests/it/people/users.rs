//! Making and reading users.

use backstop_domain::user::{SecondFactor, UserStatus};
use backstop_engine::{
    IdempotencyKey,
    manage::{Denied, ManageError},
    users::{NewAddress, NewUser, UserQuery},
};
use futures::executor::block_on;

use super::home::{Home, MAIL, OTHER_MAIL, OTHER_PHONE, PHONE, confirmed, field, secret, to};

#[test]
fn a_user_is_read_as_it_was_made_and_the_store_holds_no_address_in_full() {
    let home = Home::new();
    let made = home
        .create(NewUser {
            addresses: vec![confirmed(PHONE), NewAddress { to: to(MAIL), confirmed: false }],
            role: "driver".parse().unwrap(),
            locale: Some("hi-IN".into()),
            second_factor: SecondFactor::Required,
            password: Some(secret("correct horse battery")),
            ..NewUser::default()
        })
        .unwrap();
    assert_eq!(home.report(made.id), made);
    let read: Vec<_> = made.addresses.iter().map(|a| (a.to.as_str(), a.phone, a.confirmed_at)).collect();
    assert_eq!(read, [(PHONE, true, Some(home.engine.now())), (MAIL, false, None)]);
    assert_eq!((made.role.as_str(), made.locale.as_deref()), ("driver", Some("hi-IN")));
    assert_eq!((made.status, made.second_factor), (UserStatus::Active, SecondFactor::Required));
    assert!(made.factors.password && made.factors.totp.is_none());
    let kept = serde_json::to_string(&home.row(made.id).unwrap().profile).unwrap();
    assert!(!kept.contains("9876543210") && !kept.contains("asha@") && !kept.contains("horse"));
    assert_eq!(home.log(), ["user.created"]);
}

#[test]
fn a_confirmed_address_leads_to_one_user_alone() {
    let home = Home::new();
    home.user(&[PHONE]);
    let again = NewUser { addresses: vec![confirmed(OTHER_MAIL), confirmed(PHONE)], ..NewUser::default() };
    assert!(matches!(home.create(again), Err(ManageError::AddressTaken)));
    let unconfirmed = NewAddress { to: to(PHONE), confirmed: false };
    home.create(NewUser { addresses: vec![unconfirmed], ..NewUser::default() }).unwrap();
    home.user(&[OTHER_MAIL]);
}

#[test]
fn what_cannot_be_a_user_is_named_and_makes_none() {
    let home = Home::new();
    let with = |change: &dyn Fn(&mut NewUser)| {
        let mut new = NewUser { addresses: vec![confirmed(PHONE)], ..NewUser::default() };
        change(&mut new);
        field(home.create(new))
    };
    assert_eq!(with(&|new| new.locale = Some("../etc".into())), "locale");
    assert_eq!(with(&|new| new.password = Some(secret("short"))), "password");
    assert_eq!(with(&|new| new.password = Some(secret("9876543210"))), "password");
    assert_eq!(with(&|new| new.addresses.push(confirmed("+91 98765 43210"))), "addresses");
    let many = |new: &mut NewUser| {
        new.addresses = (0..11).map(|n| confirmed(&format!("a{n}@example.com"))).collect();
    };
    assert_eq!(with(&many), "addresses");
    assert_eq!(home.log(), Vec::<String>::new());
}

#[test]
fn the_same_key_makes_one_user() {
    let home = Home::new();
    let key =
        |body: &str| IdempotencyKey { key: "k1".into(), route: "POST /v1/users".into(), body: body.into() };
    let make = |key: &IdempotencyKey| {
        let new = NewUser { addresses: vec![confirmed(PHONE)], ..NewUser::default() };
        block_on(home.engine.create_user(&home.application(), new, Some(key)))
    };
    let first = make(&key("a")).unwrap();
    assert_eq!(make(&key("a")).unwrap(), first);
    assert!(matches!(make(&key("b")), Err(ManageError::OtherBody)));
    assert_eq!(home.log(), ["user.created"]);
}

#[test]
fn users_are_paged_oldest_first_and_found_by_confirmed_address_and_role() {
    let home = Home::new();
    let all: Vec<_> = (0..5).map(|n| home.user(&[&format!("a{n}@example.com")])).collect();
    let page = |query| block_on(home.engine.users(&home.application(), query)).unwrap();
    let mut sorted = all.clone();
    sorted.sort_unstable();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = page(UserQuery { after, limit: 2, ..UserQuery::default() });
        seen.extend(page.users.iter().map(|user| user.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, sorted);
    let found = page(UserQuery { address: Some(to("A3@example.com")), limit: 9, ..UserQuery::default() });
    assert_eq!(found.users.iter().map(|user| user.id).collect::<Vec<_>>(), [all[3]]);
    let drivers = UserQuery { role: Some("driver".parse().unwrap()), limit: 9, ..UserQuery::default() };
    assert_eq!(page(drivers).users, []);
}

#[test]
fn nobody_is_read_who_is_not_there() {
    let home = Home::new();
    let stranger = backstop_domain::id::UserId::new(home.engine.now(), home.house.chance.as_ref());
    home.user(&[OTHER_PHONE]);
    let read = block_on(home.engine.user(&home.application(), stranger));
    assert!(matches!(read, Err(ManageError::Denied(Denied::NotFound))));
}

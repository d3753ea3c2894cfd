//! Pages of people: oldest first, by role and by address, of one application.

use backstop_domain::{
    id::UserId,
    ports::store::{Lookup, People as _, UserFilter},
};

use super::World;
use crate::setup::{APP, OTHER_APP, at, wait};

impl World {
    fn page(&self, filter: UserFilter) -> Vec<UserId> {
        wait(self.store.users(APP, filter)).unwrap().into_iter().map(|user| user.id).collect()
    }
}

fn email(number: usize) -> String {
    format!("person{number}@example.com")
}

#[test]
fn people_are_read_page_by_page_by_role_and_by_address() {
    let world = World::new();
    let mut made = Vec::new();
    for number in 0..6 {
        let mut user = world.new_user(&[&email(number)]);
        user.id = UserId::new(at(i64::try_from(number).unwrap()), &world.random);
        user.role = if number % 3 == 0 { "admin" } else { "driver" }.parse().unwrap();
        world.make(&user);
        made.push(user.id);
    }
    let all = UserFilter { limit: 4, ..UserFilter::default() };
    assert_eq!(world.page(all.clone()), made[..4]);
    assert_eq!(world.page(UserFilter { after: Some(made[3]), ..all.clone() }), made[4..]);
    let admins = UserFilter { role: Some("admin".into()), ..all.clone() };
    assert_eq!(world.page(admins.clone()), [made[0], made[3]]);
    assert_eq!(world.page(UserFilter { after: Some(made[0]), ..admins.clone() }), [made[3]]);
    assert_eq!(world.page(UserFilter { limit: 1, ..admins.clone() }), [made[0]]);

    let Lookup::Address(hash) = world.lookup(&email(3)) else { unreachable!() };
    let by_address = UserFilter { address: Some(hash), ..all.clone() };
    assert_eq!(world.page(by_address.clone()), [made[3]]);
    assert_eq!(world.page(UserFilter { address: Some(hash), ..admins }), [made[3]]);
    let none = [
        UserFilter { role: Some("driver".into()), ..by_address.clone() },
        UserFilter { after: Some(made[3]), ..by_address.clone() },
        UserFilter { limit: 0, ..by_address.clone() },
        UserFilter { address: Some(world.hash("nobody")), ..all.clone() },
        UserFilter { role: Some("nothing".into()), ..all.clone() },
        UserFilter { limit: 0, ..all.clone() },
    ];
    for filter in none {
        assert!(world.page(filter.clone()).is_empty(), "{filter:?}");
    }
    for filter in [all, by_address] {
        assert!(wait(world.store.users(OTHER_APP, filter)).unwrap().is_empty());
    }
}

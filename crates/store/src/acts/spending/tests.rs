use std::collections::BTreeMap;

use backstop_domain::ports::random::SeededRandom;

use super::*;

#[derive(Default)]
struct Shelf {
    books: BTreeMap<(Month, String), SpendBook>,
    reserved: BTreeMap<AttemptKey, Reserved>,
}

impl Books for Shelf {
    fn book(&self, provider: &str, month: Month) -> Result<SpendBook> {
        Ok(self.books.get(&(month, provider.to_owned())).cloned().unwrap_or_default())
    }
    fn keep_book(&mut self, provider: &str, month: Month, book: SpendBook) -> Result<()> {
        self.books.insert((month, provider.to_owned()), book);
        Ok(())
    }
    fn reserved(&self, of: AttemptKey) -> Result<Option<Reserved>> {
        Ok(self.reserved.get(&of).cloned())
    }
    fn add_reserved(&mut self, of: AttemptKey, reserved: Reserved) -> Result<()> {
        self.reserved.insert(of, reserved);
        Ok(())
    }
    fn end_reserved(&mut self, of: AttemptKey) -> Result<()> {
        self.reserved.remove(&of);
        Ok(())
    }
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

#[test]
fn a_later_price_settles_what_is_set_aside_and_corrects_what_was_settled() {
    let (mut shelf, at, random) =
        (Shelf::default(), Timestamp::from_millis(1_800_000_000_000), SeededRandom::new(1));
    let month = Month::of(at);
    let of = (ApplicationId(1), VerificationId::new(at, &random), AttemptId::new(at, &random));
    let mut book = SpendBook::default();
    let set_aside = book.reserve(price("0.10 USD"), Terms::default(), at).unwrap().reservation;
    shelf.keep_book("one", month, book).unwrap();
    shelf.add_reserved(of, Reserved { provider: "one".into(), month, set_aside }).unwrap();
    let spent = |shelf: &Shelf| shelf.book("one", month).unwrap().spent().unwrap();
    for (from, to, settled) in [
        (None, "0.30 USD", "0.30 USD"),
        (Some("0.30 USD"), "0.02 USD", "0.02 USD"),
        (Some("0.02 USD"), "0.02 USD", "0.02 USD"),
        (Some("0.02 USD"), "9 INR", "0.02 USD"),
    ] {
        reprice(&mut shelf, of, ("one", at), from.map(price), price(to)).unwrap();
        assert_eq!(spent(&shelf), (price(settled), price("0 USD")), "{from:?} {to}");
        assert!(shelf.reserved.is_empty());
    }
    reprice(&mut shelf, of, ("uncounted", at), None, price("1 USD")).unwrap();
    assert_eq!(shelf.book("uncounted", month).unwrap(), SpendBook::default());
}

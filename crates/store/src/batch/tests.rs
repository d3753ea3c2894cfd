use super::*;

/// A list of numbers with transactions, and switches for what goes wrong.
#[derive(Debug, Default)]
struct Numbers {
    durable: Vec<u32>,
    open: Vec<u32>,
    changes: u64,
    transactions: usize,
    full: bool,
    refuse_commits: usize,
}

impl Transactions for Numbers {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.open = self.durable.clone();
        self.transactions += 1;
        Ok(())
    }
    fn commit(&mut self) -> Result<(), StoreError> {
        if self.full {
            return Err(StoreError::Unavailable("disk full".into()));
        }
        if self.refuse_commits > 0 {
            self.refuse_commits -= 1;
            return Err(internal("constraint"));
        }
        self.durable = self.open.clone();
        Ok(())
    }
    fn undo(&mut self) {
        self.open.clear();
    }
}

impl Ground for Numbers {
    fn mark(&self) -> u64 {
        self.changes
    }
}

type Boxed = Box<dyn Member<Numbers>>;

fn push(number: u32) -> (Boxed, Answer<usize>) {
    call(move |numbers: &mut Numbers| {
        numbers.open.push(number);
        numbers.changes += 1;
        Ok(numbers.open.len())
    })
}

fn fail(after_a_change: bool) -> (Boxed, Answer<usize>) {
    call(move |numbers: &mut Numbers| {
        if after_a_change {
            numbers.open.push(999);
            numbers.changes += 1;
        }
        Err(internal("damaged").into())
    })
}

fn heard(answer: &mut Answer<usize>) -> Result<usize, StoreError> {
    answer.try_recv().unwrap().unwrap()
}

#[test]
fn a_batch_is_one_transaction_in_the_order_of_arrival() {
    let mut numbers = Numbers::default();
    let (members, mut answers): (Vec<_>, Vec<_>) = (1..=5).map(push).unzip();
    execute(&mut numbers, members);
    assert_eq!((numbers.transactions, &numbers.durable[..]), (1, &[1, 2, 3, 4, 5][..]));
    let heard: Vec<_> = answers.iter_mut().map(|answer| heard(answer).unwrap()).collect();
    assert_eq!(heard, [1, 2, 3, 4, 5]);
}

#[test]
fn a_failing_member_does_not_fail_its_neighbours() {
    for after_a_change in [false, true] {
        let mut numbers = Numbers::default();
        let (first, mut one) = push(1);
        let (broken, mut two) = fail(after_a_change);
        let (last, mut three) = push(3);
        execute(&mut numbers, vec![first, broken, last]);
        assert_eq!(numbers.durable, [1, 3], "change before the failure: {after_a_change}");
        assert!(matches!(heard(&mut two), Err(StoreError::Internal(_))));
        assert_eq!((heard(&mut one).unwrap(), heard(&mut three).unwrap()), (1, 2));
        assert_eq!(numbers.transactions, if after_a_change { 4 } else { 1 });
    }
}

#[test]
fn a_refused_commit_runs_every_member_again_alone() {
    let mut numbers = Numbers { refuse_commits: 1, ..Numbers::default() };
    let (members, mut answers): (Vec<_>, Vec<_>) = (1..=3).map(push).unzip();
    execute(&mut numbers, members);
    assert_eq!((numbers.transactions, &numbers.durable[..]), (4, &[1, 2, 3][..]));
    assert!(answers.iter_mut().all(|answer| heard(answer).is_ok()));
}

#[test]
fn a_full_disk_answers_everybody_at_once_and_leaves_nothing() {
    let mut numbers = Numbers { full: true, ..Numbers::default() };
    let (members, mut answers): (Vec<_>, Vec<_>) = (1..=3).map(push).unzip();
    execute(&mut numbers, members);
    assert_eq!((numbers.transactions, numbers.durable.len()), (1, 0));
    assert!(answers.iter_mut().all(|answer| matches!(heard(answer), Err(StoreError::Unavailable(_)))));
}

#[test]
fn an_act_that_panics_takes_nobody_with_it() {
    let mut numbers = Numbers::default();
    let (first, mut one) = push(1);
    let (broken, mut two) = call(|numbers: &mut Numbers| -> Result<usize, Failure> {
        numbers.changes += 1;
        panic!("on purpose")
    });
    execute(&mut numbers, vec![first, broken]);
    assert!(heard(&mut one).is_ok() && heard(&mut two).is_err());
    assert_eq!(numbers.durable, [1]);
}

//! How long an answer takes tells nobody whether there is such a person. Measured by `make nightly`: it takes minutes, and a machine
//! that does nothing else.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{dark, user};
use crate::harness::{Caller, any_channel, now, pause};

/// So many pairs, one of somebody known and one of nobody, in turn.
const PAIRS: usize = 2000;

/// The times of one call for those who are there and for those who are not.
#[derive(Default)]
struct Times {
    known: Vec<Duration>,
    unknown: Vec<Duration>,
}

impl Times {
    /// Asks for both of a pair, each second time the other one first.
    async fn pair(
        &mut self,
        number: usize,
        caller: &Caller,
        (path, status): (&str, u16),
        bodies: [Value; 2],
    ) -> [Value; 2] {
        let mut answers = [Value::Null, Value::Null];
        for place in [number % 2, 1 - number % 2] {
            let began = now();
            let answer = caller.post(path, bodies[place].clone()).await;
            let took = began.elapsed();
            [&mut self.known, &mut self.unknown][place].push(took);
            answers[place] = answer.expect(status);
        }
        answers
    }

    /// Medians within 5 ms, 95th percentiles within 10 ms, and a Kolmogorov-Smirnov test that finds nothing at 0.001.
    fn are_alike(mut self, call: &str) {
        self.known.sort_unstable();
        self.unknown.sort_unstable();
        let at = |part: f64| {
            let place = (self.known.len() as f64 * part) as usize;
            (self.known[place], self.unknown[place])
        };
        let (median, slow) = (at(0.5), at(0.95));
        let furthest = self.distance();
        let count = self.known.len() as f64;
        let critical = 1.95 * (2.0 / count).sqrt();
        println!("{call}: medians {median:?}, p95 {slow:?}, KS {furthest:.4} of {critical:.4}");
        let apart = |(one, other): (Duration, Duration)| one.abs_diff(other);
        assert!(apart(median) < Duration::from_millis(5), "{call}: medians {median:?}");
        assert!(apart(slow) < Duration::from_millis(10), "{call}: p95 {slow:?}");
        assert!(furthest < critical, "{call}: KS {furthest:.4}");
    }

    /// The furthest that the two shares of answers so far are from each other, at any time.
    fn distance(&self) -> f64 {
        let below = |times: &[Duration], time: Duration| times.partition_point(|one| *one <= time) as f64;
        let share = |times: &[Duration], time| below(times, time) / times.len() as f64;
        let all = self.known.iter().chain(&self.unknown);
        all.map(|time| (share(&self.known, *time) - share(&self.unknown, *time)).abs()).fold(0.0, f64::max)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes long, and alone on its machine: make nightly"]
async fn somebody_and_nobody_are_answered_after_the_same_time() {
    let (_gateway, program) = any_channel::shop("").await;
    let shop = program.shop();
    let phones = |number: usize| [format!("+1415555{number:04}"), format!("+1415666{number:04}")];
    for number in 0..PAIRS {
        user(&shop, &phones(number)[0], "off").await;
    }
    let [mut started, mut checked, mut backup, mut password] = [(); 4].map(|()| Times::default());
    for number in 0..PAIRS {
        let bodies = phones(number).map(|phone| json!({ "phone": phone }));
        let ids = started.pair(number, &shop, ("/v1/sign-in/otp", 200), bodies).await;
        let bodies = ids.map(|body| json!({ "verification_id": body["verification_id"], "code": "000000" }));
        checked.pair(number, &shop, ("/v1/sign-in/otp/verify", 401), bodies).await;
        let bodies = phones(number).map(|phone| json!({ "phone": phone, "code": "ABCD-EFGH" }));
        backup.pair(number, &shop, ("/v1/sign-in/backup-code", 401), bodies).await;
        let bodies = phones(number).map(|phone| json!({ "phone": phone, "password": "not the password" }));
        password.pair(number, &shop, ("/v1/sign-in/password", 401), bodies).await;
    }
    started.are_alike("a code is sent");
    checked.are_alike("a wrong code");
    backup.are_alike("a wrong backup code");
    password.are_alike("a wrong password");
}

#[tokio::test]
async fn whoever_sends_slowly_hears_no_sooner_after_the_request_is_whole() {
    let program = dark();
    let body = json!({ "phone": "+14155550123", "code": "ABCD-EFGH" }).to_string();
    let head = format!(
        "POST /v1/sign-in/backup-code HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer sk_shop_0123456789abcdef\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let address = program.url("").replace("http://", "");
    let mut connection = tokio::net::TcpStream::connect(address.trim_end_matches('/')).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    pause(Duration::from_millis(200)).await;
    let began = now();
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
}

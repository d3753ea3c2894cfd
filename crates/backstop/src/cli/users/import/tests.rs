use super::*;

fn rows(format: Format, text: &str) -> (Vec<String>, Result<(), String>) {
    rows_of_bytes(format, text.as_bytes())
}

fn rows_of_bytes(format: Format, bytes: &[u8]) -> (Vec<String>, Result<(), String>) {
    let mut rows = Vec::new();
    let take = |found| {
        rows.push(match found {
            Found::Row(row) => format!("{} {}", row.line, row.row.expose()),
            Found::Refused(row) => format!("{}! {}", row.line, row.problem),
        });
        Ok(true)
    };
    let read = match format {
        Format::Csv => read::csv(bytes, take),
        Format::Json => read::json(bytes, take),
    };
    (rows, read)
}

#[test]
fn a_row_is_named_by_the_line_it_begins_on_and_a_bad_one_stops_none() {
    let text = "\u{feff}phone, role\n+919876543210,driver\n\"+1\n415\",x\n1,2,3\n\n+14155550123,\n";
    let (rows, read) = rows(Format::Csv, text);
    assert_eq!(
        rows,
        [
            r#"2 {"phone":"+919876543210","role":"driver"}"#,
            r#"3 {"phone":"+1\n415","role":"x"}"#,
            "5! row: is no UTF-8, or is longer or shorter than the header",
            r#"6 {"phone":"+14155550123"}"#,
        ]
    );
    assert_eq!(read, Ok(()));
    let (rows, _) = rows_of_bytes(Format::Csv, b"phone\n\xff\n+14155550123\n");
    assert!(rows[0].starts_with("2! row:") && rows[1].starts_with("3 {"), "{rows:?}");
}

#[test]
fn a_header_that_is_not_understood_is_refused_whole_and_not_repeated() {
    for text in ["phone,secret-name\n1,2\n", "phone,phone\n1,2\n", "+919876543210,x\n", "", "\"phone"] {
        let (rows, read) = rows(Format::Csv, text);
        assert!(rows.is_empty(), "{text}: {rows:?}");
        if let Err(problem) = read {
            assert!(!problem.contains("secret-name") && !problem.contains("98765"), "{problem}");
        }
    }
}

#[test]
fn a_broken_list_gives_what_stood_before_and_says_where_without_saying_what() {
    let (found, read) = rows(Format::Json, r#"[{"phone": "+919876543210"}, 7, {"email": "asha@"#);
    assert_eq!(found, [r#"1 {"phone":"+919876543210"}"#, "2 7"]);
    let problem = read.unwrap_err();
    assert!(problem.starts_with("it is no JSON list at line 1") && !problem.contains("asha"), "{problem}");
    for text in [r#""+919876543210""#, r#"{"phone": "+919876543210"}"#, "", "[] []", "null"] {
        let (found, read) = rows(Format::Json, text);
        assert!(found.is_empty() && !read.unwrap_err().contains("98765"), "{text}");
    }
    assert_eq!(rows(Format::Json, "[]"), (Vec::new(), Ok(())));
}

#[test]
fn a_reader_that_has_enough_stops() {
    let mut count = 0;
    let mut enough = |_| {
        count += 1;
        Ok(false)
    };
    assert_eq!(read::json(&b"[1, 2, 3]"[..], &mut enough), Ok(()));
    assert_eq!(read::csv(&b"phone\n1\n2\n"[..], &mut enough), Ok(()));
    assert_eq!(count, 2);
    let failed = read::json(&b"[1]"[..], |_| anyhow::bail!("no service"));
    assert_eq!(failed, Err("no service".to_owned()));
}

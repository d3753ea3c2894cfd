//! What the running process promises about itself.

use std::fs;

use crate::harness::Program;

#[test]
fn a_process_that_holds_keys_leaves_no_core_dump() {
    let program = Program::development();
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let values: Vec<&str> = line["Max core file size".len()..].split_whitespace().collect();
    assert_eq!(values, ["0", "0", "bytes"], "neither now nor raised again: {line}");
}

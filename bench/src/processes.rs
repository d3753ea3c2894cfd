//! What the system tells about a process: processor time and memory.

use std::{fs, time::Duration};

/// Memory that a process holds now, in KiB.
pub(crate) fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Processor time that a process has used, on all cores; in steps of 10 ms.
pub(crate) fn processor(id: u32) -> Duration {
    ticks(&stat(id), 0)
}

/// Processor time of a process, of its children and of those that it had: what a PostgreSQL server has used.
pub(crate) fn family(id: u32) -> Duration {
    let own = stat(id);
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let living = children.split_ascii_whitespace().filter_map(|child| child.parse().ok()).map(processor);
    ticks(&own, 0) + ticks(&own, 2) + living.sum::<Duration>()
}

fn stat(id: u32) -> String {
    fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default()
}

/// User and system time: the 12th and 13th field after the name, which alone may hold spaces; two later, those of
/// children that have ended.
fn ticks(stat: &str, later: usize) -> Duration {
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    let ticks = fields.skip(11 + later).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    Duration::from_millis(ticks * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_does_not_shift_the_fields() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 0 0 0 0 0 30 12 5 6 20 0 1 0 0";
        assert_eq!(ticks(stat, 0), Duration::from_millis(420));
        assert_eq!(ticks(stat, 2), Duration::from_millis(110));
        assert!(resident(std::process::id()) > 0);
    }
}

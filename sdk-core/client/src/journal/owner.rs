//! Which process holds an intent, and whether it still lives (contract 4c). A lease lapses by time; on the same host a
//! process that is provably dead loses it at once, so that a restart resolves without waiting.

use std::sync::atomic::{AtomicU64, Ordering};

/// One client in one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Unique name.
    pub id: String,
    /// Process id.
    pub pid: u32,
    /// When the process started, in the kernel's own count; a process id that was used again differs here.
    pub started: String,
    /// Which start of which machine.
    pub boot: String,
}

static CLIENTS: AtomicU64 = AtomicU64::new(1);

impl Owner {
    /// This process; each call names another client in it.
    pub(crate) fn here() -> Self {
        let pid = std::process::id();
        let (started, boot) = (start_of(pid).unwrap_or_default(), boot());
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
        Self { id: format!("{boot}-{pid}-{started}-{number}"), pid, started, boot }
    }
}

/// Whether this process is provably gone. `false` where the machine cannot say: then only time ends the lease.
pub(super) fn dead(pid: u32, started: &str, machine: &str) -> bool {
    let here = boot();
    let (Some((this_boot, this_space)), Some((boot, space))) = (here.split_once('.'), machine.split_once('.')) else {
        return false;
    };
    if boot != this_boot {
        // Another boot of this machine: everything from before is gone. Another host cannot share a SQLite journal.
        return true;
    }
    if space != this_space {
        // A container of the same host: its process ids mean nothing here.
        return false;
    }
    match start_of(pid) {
        Some(now) => now != started,
        None => !std::path::Path::new(&format!("/proc/{pid}")).exists(),
    }
}

/// The start time of a process in clock ticks since boot: field 22 of `/proc/<pid>/stat`. A zombie counts as gone.
fn start_of(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may itself contain spaces and parentheses.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return Some("gone".to_owned());
    }
    fields.nth(18).map(str::to_owned)
}

/// The namespace that process ids count in, as a suffix of file names; empty where there is none.
pub(super) fn namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid").map(|p| p.display().to_string()).unwrap_or_default();
    let digits: String = link.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() { digits } else { format!("-{digits}") }
}

/// The kernel's id of this boot and of the namespace that process ids count in; empty where there is none.
fn boot() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").map(|p| p.display().to_string()).unwrap_or_default();
    if boot.trim().is_empty() { String::new() } else { format!("{}.{namespace}", boot.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_dead_process_is_seen() {
        let me = Owner::here();
        assert!(!dead(me.pid, &me.started, &me.boot));
        assert!(dead(me.pid, "1", &me.boot), "the process id was used again");
        assert!(!dead(me.pid, "1", ""), "unknown machine: only time tells");
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let started = start_of(child.id()).unwrap();
        assert!(!dead(child.id(), &started, &me.boot));
        child.kill().unwrap();
        while start_of(child.id()).is_some_and(|now| now == started) {
            std::thread::yield_now();
        }
        assert!(dead(child.id(), &started, &me.boot), "a zombie is gone");
        child.wait().unwrap();
        assert_ne!(me.id, Owner::here().id);
    }
}

//! The process as the kernel counts it, under the names that every exporter uses. Where there is no /proc these lines are left out. Never here: figures of ours.

use std::{
    fs,
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use super::Known;

/// Near enough to the start: it is asked for before the first connection.
static BEGAN: LazyLock<f64> =
    LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());

const FAMILIES: [(&str, &str, &str); 5] = [
    (
        "process_resident_memory_bytes",
        "gauge",
        "Memory that this process holds; children that decode are not in it",
    ),
    ("process_cpu_seconds_total", "counter", "CPU time of this process, without its children"),
    ("process_open_fds", "gauge", "File descriptors that are open"),
    ("process_max_fds", "gauge", "File descriptors that may be open"),
    ("process_start_time_seconds", "gauge", "When this process started, in seconds since 1970"),
];

pub(super) fn known() -> impl Iterator<Item = Known> {
    FAMILIES.into_iter().map(|(name, kind, help)| Known { name: name.to_owned(), kind, help })
}

/// From now on it is known when the process started.
pub(super) fn begin() {
    LazyLock::force(&BEGAN);
}

pub(super) fn write(page: &mut String) {
    let values = [
        resident().map(|it| it as f64),
        cpu_seconds(),
        open_fds().map(|it| it as f64),
        max_fds().map(|it| it as f64),
        Some(*BEGAN),
    ];
    for ((name, kind, help), value) in FAMILIES.into_iter().zip(values) {
        if let Some(value) = value {
            page.push_str(&format!("# HELP {name} {help}.\n# TYPE {name} {kind}\n{name} {value}\n"));
        }
    }
}

fn resident() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(rustix::param::page_size() as u64))
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<u64>().ok());
    Some((ticks(11)? + ticks(12)?) as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn open_fds() -> Option<usize> {
    // One of them is the folder that is being read.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

fn max_fds() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_understood() {
        begin();
        assert!(resident().unwrap() > 1 << 20);
        assert!(cpu_seconds().unwrap() >= 0.0 && open_fds().unwrap() > 2);
        let mut page = String::new();
        write(&mut page);
        for (name, kind, _) in FAMILIES {
            assert!(page.contains(&format!("# TYPE {name} {kind}\n{name} ")), "{name}");
        }
    }
}

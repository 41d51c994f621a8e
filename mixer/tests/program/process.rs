//! The processes behind programs, seen from outside.

/// Returns the ids of every process that this one started.
pub(crate) fn children() -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|ids| ids.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>())
        .collect()
}

/// Returns the process of the program with this name.
pub(crate) fn process_of(name: &str) -> u32 {
    let found = processes_of(name);
    assert_eq!(found.len(), 1, "one mixer runs for {name}");
    found[0]
}

/// Returns the processes of programs with this name, which is their first argument.
pub(crate) fn processes_of(name: &str) -> Vec<u32> {
    let is_it = |process: &u32| {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(name.as_bytes())
    };
    children().into_iter().filter(is_it).collect()
}

pub(crate) fn kill(signal: &str, process: u32) {
    let status =
        std::process::Command::new("kill").args([signal, &process.to_string()]).status().unwrap();
    assert!(status.success());
}

/// What a process holds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Held {
    pub(crate) threads: usize,
    pub(crate) files: usize,
    pub(crate) memory_kib: u64,
}

impl Held {
    pub(crate) fn by(process: u32) -> Self {
        let count =
            |folder| std::fs::read_dir(format!("/proc/{process}/{folder}")).unwrap().count();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let memory_kib = resident.trim().trim_end_matches(" kB").parse().unwrap();
        Self { threads: count("task"), files: count("fd"), memory_kib }
    }
}

/// Returns how much time of a processor a process has used.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Returns how often a thread of a process went to sleep.
pub(crate) fn sleeps(process: u32, thread: &str) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    let statuses =
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok());
    let field = |status: &str, name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        value.trim().to_owned()
    };
    let named = statuses.filter(|status| field(status, "Name:") == thread);
    named.map(|it| field(&it, "voluntary_ctxt_switches:").parse::<u64>().unwrap()).sum()
}

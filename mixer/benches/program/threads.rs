//! CPU time of a process by what its threads do, read from `/proc`. Threads of encoders and
//! decoders have no names of their own and keep that of the thread that started them.

use std::collections::BTreeMap;

/// CPU seconds of every thread, by id, with its name.
pub(crate) struct Snapshot(BTreeMap<u32, (String, f64)>);

impl Snapshot {
    /// Reads what the threads of `process` have used until now.
    pub(crate) fn of(process: u32) -> Self {
        let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
        let threads = tasks.filter_map(|task| {
            let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
            let (head, tail) = stat.rsplit_once(')')?;
            let (id, name) = head.split_once(" (")?;
            Some((id.parse().ok()?, (name.to_owned(), ticks(tail)? / 100.0)))
        });
        Self(threads.collect())
    }

    /// Returns the CPU seconds that each stage used since `before`. Threads that ended meanwhile
    /// are not counted; a steady program has none.
    pub(crate) fn since(&self, before: &Self) -> BTreeMap<&'static str, f64> {
        let mut stages = BTreeMap::new();
        for (id, (name, now)) in &self.0 {
            let then = before.0.get(id).map_or(0.0, |(_, then)| *then);
            *stages.entry(stage(name)).or_insert(0.0) += now - then;
        }
        stages
    }
}

/// User and system time are the 14th and 15th field of `stat` (proc(5)), counted in 1/100 s.
fn ticks(tail: &str) -> Option<f64> {
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
}

fn stage(thread: &str) -> &'static str {
    match thread {
        "picture-tick" => "compose",
        "sound-tick" => "sound",
        "desk" | "outlet" | "lianmai-mixer" => "link",
        _ if thread.starts_with("comp:") => "compose",
        _ if thread.starts_with("in:") || thread.starts_with("rtpjitterbuffer") => "decode",
        _ if thread.starts_with("pictures:") => "encode",
        _ if thread.starts_with("sound:") || thread.starts_with("queue") => "sound",
        _ => "other",
    }
}

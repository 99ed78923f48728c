//! Whether another process has anything to do, as Linux tells it.

use std::collections::BTreeMap;
use std::fs;

/// It wakes every ten milliseconds while a guest lives, whether there is work or not.
const TICKER: &str = "suture-epochs";

/// The threads of a process, by number, and how often each has stopped running; none where one
/// of them runs, or waits for a processor or a disk. Two equal answers mean that none has done
/// anything in between.
pub fn at_rest(process: u32) -> Option<BTreeMap<u32, u64>> {
    let mut threads = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let path = thread.ok()?.path();
        let status = fs::read_to_string(path.join("status")).ok()?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if field("Name:")? == TICKER {
            continue;
        }
        if !field("State:")?.starts_with('S') {
            return None;
        }
        let stops: [u64; 2] = [
            field("voluntary_ctxt_switches:")?.parse().ok()?,
            field("nonvoluntary_ctxt_switches:")?.parse().ok()?,
        ];
        threads.insert(field("Pid:")?.parse().ok()?, stops.iter().sum());
    }
    (!threads.is_empty()).then_some(threads)
}

//! A restic lock, as restic describes it to whom it keeps out.

use std::fmt;

use suture_policy::Duration;

/// A lock that a mover met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The holder's host name: of a pod, the pod's name.
    pub host: String,
    /// The holder's process there.
    pub pid: u32,
    /// How old it is, at least.
    pub age: Duration,
    /// The beginning of what it is called in the repository.
    pub id: String,
    /// Whether nobody else can hold a lock beside it.
    pub is_exclusive: bool,
}

impl Lock {
    /// restic renews a lock every five minutes as long as its holder lives, and calls one
    /// stale that is older than this.
    const STALE_AFTER: Duration = Duration::minutes(30);

    /// Find the lock that ended a mover, in its log. Restic writes:
    ///
    /// ```text
    /// unable to create lock in backend: repository is already locked exclusively by PID 48 on volsync-src-mealie-96mvk by root (UID 0, GID 0)
    /// lock was created at 2023-12-19 12:02:00 (5h24m42.719315996s ago)
    /// storage ID b27ebdc3
    /// ```
    pub fn find(log: &str) -> Option<Self> {
        // What ended the mover is the last thing that it complains of; a lock that it
        // overcame before is none of our business.
        let lines: Vec<_> = log.lines().map(str::trim).collect();
        let last = lines.iter().rposition(|line| line.starts_with("Fatal: ") || holder(line).is_some())?;
        let (pid, host, is_exclusive) = holder(lines.get(last)?)?;
        let mut below = lines.get(last + 1..)?.iter();
        let age = below.find_map(|line| line.strip_prefix("lock was created at ")?.strip_suffix(" ago)"))?;
        let age = go_duration(age.rsplit_once('(')?.1)?;
        let id = below.find_map(|line| line.strip_prefix("storage ID "))?;
        Some(Self { host: host.to_owned(), pid, age, id: id.to_owned(), is_exclusive })
    }

    /// The same lock, when so much more time has passed.
    pub fn older_by(self, time: Duration) -> Self {
        Self { age: self.age + time.whole_seconds(), ..self }
    }

    /// Whether restic itself would remove it.
    pub fn is_stale(&self) -> bool {
        self.age > Self::STALE_AFTER
    }
}

/// Process and host of the holder, and whether it keeps everybody out, from the first line.
fn holder(line: &str) -> Option<(u32, &str, bool)> {
    let line = line.strip_prefix("Fatal: ").unwrap_or(line);
    let line = line.strip_prefix("unable to create lock in backend: repository is already locked ")?;
    let exclusively = line.strip_prefix("exclusively ");
    let (pid, rest) = exclusively.unwrap_or(line).strip_prefix("by PID ")?.split_once(" on ")?;
    // The user's name, after the host, may be empty.
    let (host, _) = rest.split_once(" by ")?;
    Some((pid.parse().ok()?, host.trim(), exclusively.is_some())).filter(|(_, host, _)| !host.is_empty())
}

/// A duration as Go prints it (`5h24m42.719315996s`, `730.5ms`), cut to seconds.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::default();
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let whole = number.split('.').next()?.parse().ok()?;
        total = total
            + match unit {
                "h" => Duration::hours(whole),
                "m" => Duration::minutes(whole),
                "s" => Duration::seconds(whole),
                "ms" | "µs" | "μs" | "ns" => Duration::default(),
                _ => return None,
            };
        rest = after;
    }
    Some(total)
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the lock {} of {} (PID {}, {} old)", self.id, self.host, self.pid, self.age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
Starting container
== Checking directory for content ===
== Initialize Dir =======
Fatal: unable to create lock in backend: repository is already locked exclusively by PID 48 on volsync-src-mealie-96mvk by root (UID 0, GID 0)
lock was created at 2023-12-19 12:02:00 (5h24m42.719315996s ago)
storage ID b27ebdc3
the `unlock` command can be used to remove stale locks
ERROR: failure checking existence of repository
";

    #[test]
    fn a_lock_is_read_with_its_holder_and_age() {
        let lock = Lock::find(LOG).unwrap();
        assert_eq!(
            (lock.host.as_str(), lock.pid, lock.id.as_str()),
            ("volsync-src-mealie-96mvk", 48, "b27ebdc3")
        );
        assert_eq!(lock.age.to_string(), "5h24m42s");
        assert!(lock.is_stale());
    }

    #[test]
    fn a_shared_lock_of_a_nameless_user_is_read_too() {
        let log = LOG.replace("exclusively ", "").replace("by root", "by ").replace("Fatal: ", "");
        assert!(log.contains("96mvk by  (UID"), "{log}");
        let (shared, exclusive) = (Lock::find(&log).unwrap(), Lock::find(LOG).unwrap());
        assert!(!shared.is_exclusive && exclusive.is_exclusive);
        assert_eq!(Lock { is_exclusive: true, ..shared }, exclusive);
    }

    #[test]
    fn other_failures_are_no_locks() {
        for log in [
            "Fatal: wrong password or no key found",
            "Fatal: unable to open repository at s3:…: Stat: The specified bucket does not exist",
            "Save(<data/1b>) failed: no space left on device",
            "unable to create lock in backend: context deadline exceeded",
            // Something else ended it.
            &format!("{LOG}Fatal: wrong password or no key found"),
            // A file's name in a log is not restic speaking.
            &LOG.replace("Fatal: unable", "error: /data/Fatal: unable"),
            // Cut off before its age.
            LOG.split("lock was").next().unwrap(),
            "",
        ] {
            assert_eq!(Lock::find(log), None, "{log}");
        }
    }

    #[test]
    fn ages_are_read_as_go_writes_them() {
        for (text, seconds) in [("29m59.9s", 1799), ("730.5ms", 0), ("12.5µs", 0), ("1h0m0s", 3600)] {
            assert_eq!(go_duration(text), Some(Duration::seconds(seconds)), "{text}");
        }
        for text in ["-3s", "soon", "5", "5h24"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_lock_goes_stale_with_time() {
        let young = Lock::find(&LOG.replace("5h24m42.719315996s", "20m0s")).unwrap();
        assert!(!young.is_stale());
        assert!(young.older_by(Duration::minutes(11)).is_stale());
    }
}

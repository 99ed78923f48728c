//! How many connections there may be.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many connections a listener keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// From everybody.
    pub all: usize,
    /// From one peer: an IPv4 address, or the 64 bits that one has in IPv6.
    pub peer: usize,
}

impl Limits {
    /// Of the webhook: a few Alertmanagers, each with a request at a time, maybe behind one address.
    const WEBHOOK: Self = Self { all: 1024, peer: 512 };
    /// Of the API: many people may come through one proxy, and stay for long.
    const ADMIN: Self = Self { all: 512, peer: 448 };

    /// For the webhook, as far as this process may open files.
    pub fn of_webhook() -> Self {
        Self::WEBHOOK.within(descriptors() / 4)
    }

    /// For the API, as far as this process may open files.
    pub fn of_admin() -> Self {
        Self::ADMIN.within(descriptors() / 8)
    }

    /// In the same proportion; at least enough to be told that there is no room.
    fn within(self, most: usize) -> Self {
        if most >= self.all {
            return self;
        }
        let all = most.max(8);
        Self { all, peer: (self.peer * all / self.all).max(1) }
    }
}

/// How many files this process may open. The rest is for the journal, the cluster, Prometheus.
fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Take as many files as the system grants. The lower of the two limits is there for programs
/// that use `select`.
pub(crate) fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_few_files_may_be_opened_connections_take_their_part_of_them() {
        assert_eq!(Limits::WEBHOOK.within(20_000), Limits::WEBHOOK);
        assert_eq!(Limits::WEBHOOK.within(256), Limits { all: 256, peer: 128 });
        assert_eq!(Limits::WEBHOOK.within(0), Limits { all: 8, peer: 4 });
        assert!(Limits::of_webhook().peer <= Limits::of_webhook().all);
    }
}

//! One case, and how it is run.

use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;

use crate::bench::{Bench, ClusterProvider};

/// How long a case may take on the cluster's own clock. Controllers that are slow on a
/// busy machine are waited for; what never happens is a difference.
const LONGEST: Duration = Duration::from_secs(180);

/// What a case does. It notes differences at the bench; an error ends it.
pub(crate) type Body = for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, anyhow::Result<()>>;

/// A sentence about API servers, and the effects that show it.
#[derive(Clone, Copy)]
pub struct Case {
    /// The noun that it is about: `apply`, `patch`, …
    pub group: &'static str,
    /// The sentence.
    pub name: &'static str,
    pub(crate) body: Body,
}

/// All cases, by their noun.
pub fn cases() -> Vec<Case> {
    crate::cases::all()
}

/// Run a case in a namespace of its own. What comes back is how the cluster differs from
/// what was expected: nothing where it does not.
pub async fn run(case: &Case, provider: Arc<dyn ClusterProvider>) -> Vec<String> {
    let clock = provider.clock();
    let work = async {
        let bench = match Bench::new(provider).await {
            Ok(bench) => bench,
            Err(error) => return vec![format!("no namespace to work in: {error:#}")],
        };
        let result = (case.body)(&bench).await;
        let mut differences = bench.differences();
        differences.extend(result.err().map(|error| format!("it ended early: {error:#}")));
        differences
    };
    let late = || vec![format!("it did not end within {} s", LONGEST.as_secs())];
    clock.timeout(LONGEST, work).await.unwrap_or_else(late)
}

/// Cases of one noun: functions whose names are sentences.
macro_rules! group {
    ($group:literal: $($case:ident),+ $(,)?) => {
        /// The cases of this noun.
        pub(super) fn group() -> Vec<$crate::Case> {
            vec![$($crate::Case {
                group: $group,
                name: stringify!($case),
                body: |bench| Box::pin($case(bench)),
            }),+]
        }
    };
}
pub(crate) use group;

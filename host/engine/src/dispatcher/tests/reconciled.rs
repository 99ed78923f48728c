//! What Alertmanager has for this host, and whether that is known.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use suture_core::KnownAlert;

use super::*;
use crate::reconcile::{Alertmanagers, Receiver, Reconciler};

/// One that has nothing, or can't be reached; or there is none.
struct Asked {
    is_there: bool,
    is_away: AtomicBool,
}

#[async_trait]
impl Alertmanagers for Asked {
    fn are_there(&self) -> bool {
        self.is_there
    }

    async fn alerts_for(&self, _: &BTreeSet<&str>) -> Result<Vec<KnownAlert>, String> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err("nobody is there".to_owned()),
            false => Ok(Vec::new()),
        }
    }
}

fn asked(is_there: bool) -> Arc<Asked> {
    Arc::new(Asked { is_there, is_away: AtomicBool::new(true) })
}

fn reconciler(harness: &EngineHarness, asked: Arc<Asked>) -> Reconciler {
    let known = Arc::new(|| BTreeSet::from([Receiver { name: "suture".to_owned(), policy: None }]));
    Reconciler::start(
        harness.engine.clone(),
        asked,
        known,
        harness.clock.clone(),
        Some(Duration::from_secs(60)),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn that_alertmanager_cannot_be_asked_what_it_has_is_shown_with_since_when_until_it_can() {
    let harness = harness(policy(|_, _| async { done() })).await;
    let alertmanager = asked(true);
    let _reconciler = reconciler(&harness, alertmanager.clone());
    let first = loop {
        match harness.engine.unreconciled() {
            Some(first) => break first,
            None => harness.clock.sleep(Duration::from_secs(5)).await,
        }
    };
    assert_eq!(first.message, "nobody is there");
    while harness.engine.unreconciled().is_some_and(|later| later.tried_at == first.tried_at) {
        harness.clock.sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(harness.engine.unreconciled().map(|later| later.since), Some(first.since));
    alertmanager.is_away.store(false, Ordering::SeqCst);
    while harness.engine.unreconciled().is_some() {
        harness.clock.sleep(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_were_cut_off_where_nobody_can_be_asked_for_them_are_told_of() {
    let harness = harness(policy(|_, _| async { done() })).await;
    let reconciler = reconciler(&harness, asked(false));
    harness.clock.sleep(Duration::from_secs(600)).await;
    assert_eq!(harness.engine.unreconciled(), None, "nobody is there, and nothing is known to be missing");
    reconciler.asker().notify_one();
    while harness.engine.unreconciled().is_none() {
        harness.clock.sleep(Duration::from_secs(5)).await;
    }
    assert!(harness.engine.unreconciled().unwrap().message.contains("max_alerts"));
}

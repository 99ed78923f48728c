use std::collections::VecDeque;

use parking_lot::Mutex;
use suture_core::clock::Driven;
use suture_core::effect::ActiveAlert;
use suture_core::{Effect, Prepared, Reply, Resolution, RunId, Timestamp, VirtualClock};

use super::*;

/// A Prometheus that answers one list of alerts after the other; the last again and again.
struct Answers(Mutex<VecDeque<Vec<ActiveAlert>>>);

#[async_trait]
impl EffectHandler for Answers {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        Ok(Prepared::new(step.clone(), effect.clone()))
    }

    async fn perform(&self, _prepared: &Prepared) -> Result<Reply, Fault> {
        let mut answers = self.0.lock();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Ok(Reply::Alerts(answer.unwrap_or_default()))
    }

    async fn resolve(&self, _prepared: &Prepared) -> Result<Resolution, Fault> {
        Ok(Resolution::NotDone)
    }
}

fn labels() -> Labels {
    Labels::from([("alertname".to_owned(), "A".to_owned())])
}

fn alert(firing: bool, kept: bool) -> ActiveAlert {
    let active_at = Timestamp::UNIX_EPOCH;
    let kept_firing_since = kept.then_some(active_at);
    ActiveAlert { labels: labels(), annotations: Labels::new(), firing, active_at, kept_firing_since }
}

async fn has_cleared(answers: &[&[ActiveAlert]]) -> bool {
    let answers = Answers(Mutex::new(answers.iter().map(|answer| answer.to_vec()).collect()));
    let virtual_clock = Arc::new(VirtualClock::new(Timestamp::UNIX_EPOCH, Timestamp::MAX));
    let clock: Arc<dyn Clock> = virtual_clock.clone();
    let step = Step { run: RunId::new("a"), number: 0 };
    let (confirm, labels) = (Confirm::prometheus(), labels());
    match virtual_clock.drive(confirm.has_cleared(&labels, &answers, &step, &clock)).await {
        Driven::Done(cleared) => cleared.unwrap(),
        Driven::Stalled | Driven::OutOfTime => panic!("it waits for ever"),
    }
}

#[tokio::test]
async fn an_alert_has_cleared_when_its_rule_does_not_hold_and_not_for_one_empty_answer() {
    let (firing, pending, kept) = (alert(true, false), alert(false, false), alert(false, true));
    assert!(has_cleared(&[&[]]).await);
    assert!(has_cleared(&[std::slice::from_ref(&kept)]).await);
    assert!(has_cleared(&[&[], std::slice::from_ref(&kept)]).await);
    assert!(!has_cleared(&[std::slice::from_ref(&firing)]).await);
    assert!(!has_cleared(&[std::slice::from_ref(&pending)]).await, "its rule holds again");
    assert!(!has_cleared(&[&[], std::slice::from_ref(&firing)]).await, "a gap in the scrapes");
}

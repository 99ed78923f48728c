//! What people are to know is told again while it holds, as Prometheus does it: every minute, by
//! whichever host acts. So it outlives a restart of Alertmanager, and of this host; and what nobody
//! could be told when it began is told as soon as somebody can be.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use suture_core::{Clock, IncidentId};
use suture_journal::{Filter, IncidentState, JournalError};

use crate::dispatcher::Command;
use crate::engine::Shared;
use crate::pager::Page;

/// How often.
pub(crate) const EVERY: Duration = Duration::from_secs(60);
/// The most escalations that people are reminded of, newest first: beyond it one more tells
/// nobody anything.
const MOST: usize = 2000;

/// What holds and belongs to no incident: storms, damage. By what it is about.
#[derive(Default)]
pub(crate) struct Notices(Mutex<BTreeMap<String, Page>>);

impl Notices {
    /// Something holds from now on.
    pub fn begin(&self, about: &str, page: Page) {
        self.0.lock().insert(about.to_owned(), page);
    }

    /// It is over: what people were told.
    pub fn end(&self, about: &str) -> Option<Page> {
        self.0.lock().remove(about)
    }

    fn all(&self) -> Vec<Page> {
        self.0.lock().values().cloned().collect()
    }
}

/// Remind people until the host stops. Nothing is held up by it in between.
pub(crate) async fn run(clock: Arc<dyn Clock>, shared: Weak<Shared>) {
    let (mut is_failing, mut damage) = (false, 0);
    loop {
        clock.sleep(EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        if shared.stopping.load(Ordering::Acquire) {
            return;
        }
        // Whoever noticed it may only have been asked for a list.
        if std::mem::replace(&mut damage, shared.journal.damage_count()) < shared.journal.damage_count() {
            shared.arrived.notify_one();
        }
        let result = remind(&shared).await;
        if let Err(error) = &result
            && !is_failing
        {
            tracing::warn!(error, "people can't be reminded of what is escalated; it is tried every minute");
        }
        is_failing = result.is_err();
        if is_failing {
            shared.metrics.paged(false);
        }
    }
}

async fn remind(shared: &Shared) -> Result<(), String> {
    let standing = standing(shared).await.map_err(|error| error.to_string())?;
    if standing.pages.is_empty() {
        return Ok(());
    }
    shared.pager.remind(&standing.pages).await?;
    for incident in standing.untold {
        let _ = shared.commands.send(Command::Paged { incident, result: Ok(()) });
    }
    Ok(())
}

/// All that holds.
#[derive(Default)]
struct Standing {
    pages: Vec<Page>,
    /// The incidents among it that nobody could be told of yet.
    untold: Vec<IncidentId>,
}

async fn standing(shared: &Shared) -> Result<Standing, JournalError> {
    let mut standing = Standing { pages: shared.notices.all(), untold: Vec::new() };
    for state in [IncidentState::Escalated, IncidentState::AwaitingApproval] {
        add(shared, state, &mut standing).await?;
    }
    Ok(standing)
}

/// The incidents among it that stand there.
async fn add(shared: &Shared, state: IncidentState, standing: &mut Standing) -> Result<(), JournalError> {
    let state = Some(state.as_str().to_owned());
    let mut filter = Filter { state, limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
    loop {
        let found = shared.journal.incidents(filter.clone()).await?;
        for incident in found.items.iter().filter(|incident| incident.closed_at.is_none()) {
            if standing.pages.len() >= MOST {
                return Ok(());
            }
            if incident.state == IncidentState::AwaitingApproval {
                standing.pages.extend(Page::of_approval(incident, &shared.telling, None));
                continue;
            }
            standing.pages.push(Page::of_escalation(incident, &shared.telling, None));
            standing.untold.extend((!incident.paged).then(|| incident.id.clone()));
        }
        filter.after = found.next;
        if filter.after.is_none() {
            return Ok(());
        }
    }
}

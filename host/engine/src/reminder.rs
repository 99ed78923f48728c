//! What people were told of is told again while it holds, as Prometheus does it: every minute,
//! by whichever host acts. So it outlives a restart of Alertmanager, and of this host.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use suture_core::Clock;
use suture_journal::{Filter, IncidentState, JournalError};

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
    let mut is_failing = false;
    loop {
        clock.sleep(EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        if shared.stopping.load(Ordering::Acquire) {
            return;
        }
        let result = match standing(&shared).await {
            Ok(pages) if pages.is_empty() => Ok(()),
            Ok(pages) => shared.pager.remind(&pages).await,
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = &result
            && !is_failing
        {
            tracing::warn!(error, "people can't be reminded of what is escalated; it is tried every minute");
        }
        is_failing = result.is_err();
    }
}

/// All that holds.
async fn standing(shared: &Shared) -> Result<Vec<Page>, JournalError> {
    let mut pages = shared.notices.all();
    let state = Some(IncidentState::Escalated.as_str().to_owned());
    let mut filter = Filter { state, limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
    loop {
        let found = shared.journal.incidents(filter.clone()).await?;
        let open = found.items.iter().filter(|incident| incident.closed_at.is_none() && incident.paged);
        pages.extend(open.map(|incident| Page::of_escalation(incident, &shared.telling, None)));
        filter.after = found.next;
        if filter.after.is_none() || pages.len() >= MOST {
            pages.truncate(MOST);
            return Ok(pages);
        }
    }
}

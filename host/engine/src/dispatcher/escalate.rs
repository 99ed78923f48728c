//! Telling people: that an incident needs them, and that too many come at once.

use std::time::Duration;

use suture_core::{Backoff, IncidentId, RunId};
use suture_journal::{IncidentRecord, IncidentState};

use super::{Command, Dispatcher};
use crate::pager::Page;

/// What damage of the journal is called among what people are told.
const ABOUT_DAMAGE: &str = "journal-damaged";
/// How much of a journal's damage a page names.
const DAMAGE_SHOWN: usize = 5;
/// How often the delivery of a page is tried again, and the pauses: 1 s, 4 s, 16 s, 64 s, 240 s.
const PAGE_RETRIES: u32 = 5;
const PAGE_BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(240)).with_factor(4);

impl Dispatcher {
    /// A person must look.
    pub(super) fn escalate(&mut self, id: &IncidentId, why: String) {
        if let Some(IncidentRecord { policy, runs, .. }) = self.incidents.get(id) {
            let run = runs.last().map(RunId::as_str);
            tracing::warn!(incident = %id, run, policy, "escalated: {why}");
        }
        self.put(id, IncidentState::Escalated, None, why);
        self.page(id);
    }

    /// Tell people of an incident; the result comes back as a command.
    pub(super) fn page(&mut self, id: &IncidentId) {
        let Some(incident) = self.incidents.get(id) else { return };
        let page = Page::of_escalation(incident, &self.shared.telling, None);
        self.deliver(id.clone(), page);
    }

    /// Take an escalation back.
    pub(super) fn page_resolved(&mut self, id: &IncidentId) {
        let Some(incident) = self.incidents.get(id) else { return };
        let page = Page::of_escalation(incident, &self.shared.telling, Some(self.now()));
        self.deliver(id.clone(), page);
    }

    /// Ask people to approve a plan.
    pub(super) fn page_approval(&mut self, id: &IncidentId) {
        let Some(incident) = self.incidents.get(id) else { return };
        if let Some(page) = Page::of_approval(incident, &self.shared.telling, None) {
            self.deliver(about_approval(id), page);
        }
    }

    /// They need not be asked any more.
    pub(super) fn page_answered(&mut self, asked: &IncidentRecord) {
        if let Some(page) = Page::of_approval(asked, &self.shared.telling, Some(self.now())) {
            self.deliver(about_approval(&asked.id), page);
        }
    }

    /// Tell people of a repair that worked, where they want to hear of it.
    pub(super) fn page_repaired(&mut self, id: &IncidentId) {
        let Some(incident) = self.incidents.get(id) else { return };
        if self.shared.telling.repaired && !incident.by_hand {
            let page = Page::of_repair(incident, &self.shared.telling, self.now());
            self.deliver(id.clone(), page);
        }
    }

    /// Deliver a page, in the place of what is still tried to be said of the same: news that comes
    /// late would take back what was said after it.
    fn deliver(&mut self, incident: IncidentId, page: Page) {
        let about = incident.clone();
        let (pager, clock) = (self.shared.pager.clone(), self.shared.clock.clone());
        let commands = self.shared.commands.clone();
        let delivery = tokio::spawn(async move {
            let mut result = pager.page(&page).await;
            for retry in 0..PAGE_RETRIES {
                let Err(error) = &result else { break };
                tracing::warn!(%incident, error, "people could not be told; it is tried again");
                clock.sleep(PAGE_BACKOFF.pause(retry)).await;
                result = pager.page(&page).await;
            }
            let _ = commands.send(Command::Paged { incident, result });
        });
        if let Some(earlier) = self.deliveries.insert(about, delivery.abort_handle()) {
            earlier.abort();
        }
        self.deliveries.retain(|_, delivery| !delivery.is_finished());
    }

    pub(super) async fn paged(&mut self, id: &IncidentId, result: Result<(), String>) {
        self.shared.metrics.paged(result.is_ok());
        if let Err(error) = self.fetch(id).await {
            // The next start tells people again.
            tracing::error!(incident = %id, %error, "an incident can't be read, and not be said to be told of");
        }
        let Some(incident) = self.incidents.get(id) else { return };
        if incident.state != IncidentState::Escalated {
            return;
        }
        match result {
            Ok(()) if !incident.paged => self.change(id, |incident| incident.paged = true),
            Ok(()) => {}
            Err(error) => {
                tracing::error!(incident = %id, policy = incident.policy, error, "nobody could be told of an escalation; it is tried every minute");
            }
        }
    }

    /// Too many incidents of a policy at once: the cause lies elsewhere. It starts no more
    /// runs until the storm is over or the operator resumes, and one page says so.
    pub(super) fn watch_storms(&mut self) {
        let now = self.now();
        let (limit, window) = (self.shared.budgets.storm, self.shared.budgets.storm_window.get());
        let (mut began, mut ended) = (Vec::new(), Vec::new());
        for (name, policy) in &mut self.policies {
            // What has left its window must not wake the dispatcher again.
            policy.started.count(now, super::runs::HOUR);
            let count = policy.opened.count(now, window);
            if count > limit && !policy.storm {
                began.push((name.clone(), count));
            }
            if count <= limit && policy.storm {
                ended.push(name.clone());
            }
            policy.storm = count > limit;
            self.shared.in_storm(name, policy.storm);
        }
        for name in ended {
            if let Some(page) = self.shared.notices.end(&about_storm(&name)) {
                self.deliver(IncidentId::new(about_storm(&name)), Page { ends_at: Some(now), ..page });
            }
        }
        for (name, count) in began {
            let summary = format!(
                "{count} incidents of policy `{name}` within {}: their cause lies elsewhere. No run starts until \
                 it is over, or until an operator ends it: suture resume --policy {name}",
                self.shared.budgets.storm_window
            );
            tracing::error!(policy = name, "{summary}");
            let page = Page::of_notice("SutureStorm", Some(&name), &summary, now, &self.shared.telling);
            self.shared.notices.begin(&about_storm(&name), page.clone());
            self.deliver(IncidentId::new(about_storm(&name)), page);
        }
    }
}

impl Dispatcher {
    /// Tell people that the journal is damaged, where more of it is than they know of: the host goes on
    /// with the rest of it.
    pub(super) fn tell_of_damage(&mut self) {
        if self.told_damage.is_none_or(|told| self.shared.journal.damage_count() <= told) {
            return;
        }
        let damage = self.shared.journal.damage();
        self.told_damage = Some(damage.len());
        let now = self.now();
        let path = self.shared.journal.path().display();
        let shown = damage.iter().take(DAMAGE_SHOWN).cloned().collect::<Vec<_>>().join("; ");
        let more = match damage.len().saturating_sub(DAMAGE_SHOWN) {
            0 => String::new(),
            more => format!("; and {more} more, in the host's log"),
        };
        let summary = format!(
            "The journal at {path} is damaged: {shown}{more}. The host goes on with the rest. Check the disk; alerts, \
             incidents and runs that are named here are not handled unless the journal is restored from a backup."
        );
        let page = Page::of_notice("SutureJournalDamaged", None, &summary, now, &self.shared.telling);
        // Until a start that finds none.
        self.shared.notices.begin(ABOUT_DAMAGE, page.clone());
        self.deliver(IncidentId::new(ABOUT_DAMAGE), page);
    }
}

fn about_approval(id: &IncidentId) -> IncidentId {
    IncidentId::new(format!("approval-{id}"))
}

fn about_storm(policy: &str) -> String {
    format!("storm-{policy}")
}

//! Whose alerts the Alertmanagers keep to themselves: those that are silenced or inhibited.

use std::collections::BTreeMap;

use suture_core::{AlertRelabeling, Labels, Timestamp};
use suture_simulator::SimulatedAlertmanager;

use crate::day::{NAMESPACES, labels};
use crate::plan::{Happening, Plan};

/// A time in which every Alertmanager was seen to keep back an object's alert.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Timestamp,
    /// When that was seen last.
    until: Timestamp,
    /// When it was first seen to be over: in the same instant perhaps, before which an evaluation ended it.
    over: Option<Timestamp>,
}

/// For each object whose alert may be, when it was.
pub(super) struct KeptBack {
    /// The labels as they are posted.
    posted: BTreeMap<usize, Labels>,
    spans: BTreeMap<usize, Vec<Span>>,
}

impl KeptBack {
    /// For a day's plan: nothing yet.
    pub fn of(plan: &Plan, relabeling: &AlertRelabeling) -> Self {
        let may_be = |object: &usize| {
            plan.events.iter().any(|event| match event.what {
                Happening::Silence(silenced, _) => silenced == *object,
                Happening::Down(number, _) => plan.setup.inhibits && object % NAMESPACES == number,
                _ => false,
            })
        };
        let objects = (0..plan.setup.objects).filter(may_be);
        let posted = objects.filter_map(|object| Some((object, relabeling.as_sent(&labels(object))?)));
        Self { posted: posted.collect(), spans: BTreeMap::new() }
    }

    /// See how it is now.
    pub fn see(&mut self, now: Timestamp, alertmanagers: &[SimulatedAlertmanager]) {
        for (object, labels) in &self.posted {
            let is_kept_back = alertmanagers.iter().all(|by| by.is_suppressed(labels, now));
            let spans = self.spans.entry(*object).or_default();
            match spans.last_mut().filter(|span| span.over.is_none()) {
                Some(span) if is_kept_back => span.until = now,
                Some(span) => span.over = Some(now),
                None if is_kept_back => spans.push(Span { from: now, until: now, over: None }),
                None => {}
            }
        }
    }

    /// Since when an object's alert was kept back, where it was at a time.
    pub fn since(&self, object: usize, at: Timestamp) -> Option<Timestamp> {
        let spans = self.spans.get(&object)?;
        let covers = |span: &&Span| span.from <= at && at <= span.until && span.over != Some(at);
        spans.iter().find(covers).map(|span| span.from)
    }
}

//! What the run saw, held against the cluster as it is by then.

use std::time::Duration;

use suture_core::effect::{Page, Predicate, Query, Target, Waited};
use suture_core::object::Object;
use suture_core::{Effect, ObjectRef, Reply};
use suture_journal::Answer;

use super::changes::Shown;
use super::reconstruction::Reconstruction;
use suture_journal::Call;

/// How long a wait lasts for which a run keeps its instance; a longer one is begun twice.
const BEGUN_TWICE: Duration = Duration::from_secs(5);

impl Reconstruction {
    /// A read of the cluster, which took so long.
    pub(super) fn read(&mut self, index: usize, call: &Call, duration: Duration) {
        // Uids that the host filled in are those of another cluster.
        let effect = call.asked.clone();
        match (&effect, &call.answer) {
            (_, None) => self.pass(duration),
            (_, Some(Answer::Error(error))) => {
                if error.is_absence() {
                    self.find_missing(index, call, &effect);
                }
                self.fail(call, &effect, error);
            }
            (Effect::Get { target }, Some(Answer::Ok(Reply::Object(object)))) => {
                self.get(index, call, target, object);
                self.faults.pass(&effect, 1);
            }
            (Effect::List(query), Some(Answer::Ok(Reply::Page(page)))) => {
                self.list(index, call, query, page);
                self.faults.pass(&effect, 1);
            }
            (Effect::Wait { target, until, .. }, Some(Answer::Ok(Reply::Waited(waited)))) => {
                self.wait(index, call, target, until, waited, duration);
                self.faults.pass(&effect, if duration >= BEGUN_TWICE { 2 } else { 1 });
            }
            (Effect::Logs { pod, .. }, Some(Answer::Ok(Reply::Logs(text)))) => {
                self.read_log(index, call, &pod.reference(), text);
                self.faults.pass(&effect, 1);
            }
            (_, Some(Answer::Ok(_))) => self.doubt(call, "its answer is that of another effect"),
        }
    }

    fn find_missing(&mut self, index: usize, call: &Call, effect: &Effect) {
        let target = match effect {
            Effect::Get { target } | Effect::Wait { target, .. } | Effect::Logs { pod: target, .. } => target,
            _ => return,
        };
        let reference = target.reference();
        // One of another uid may be there.
        if target.uid.is_none() || self.is_uid(&reference, target.uid.as_deref()) {
            self.reconcile(index, call, &reference, None);
        }
    }

    fn get(&mut self, index: usize, call: &Call, target: &Target, object: &Object) {
        match target.subresource.as_deref() {
            None | Some("status") => {
                self.reconcile(
                    index,
                    call,
                    &target.reference(),
                    Some(Shown { object, only_metadata: false }),
                );
            }
            Some(other) => {
                let (_, read) = self.perform(&self.cluster, &Effect::Get { target: target.clone() }, false);
                let same =
                    matches!(&read, Ok((Reply::Object(read), _)) if read.get("spec") == object.get("spec"));
                if !same {
                    self.doubt(
                        call,
                        &format!("it reads the subresource `{other}`, which a scenario can't give"),
                    );
                }
            }
        }
    }

    fn list(&mut self, index: usize, call: &Call, query: &Query, page: &Page) {
        let only_metadata = query.metadata_only;
        let mut shown = Vec::new();
        for item in &page.items {
            let Some(reference) = ObjectRef::of(item) else { continue };
            self.reconcile(index, call, &reference, Some(Shown { object: item, only_metadata }));
            shown.push(reference);
        }
        // All that was asked for stands on one page; of many it is not told what is missing.
        if page.next.is_some() || query.next.is_some() {
            return;
        }
        let all = Effect::List(Query { limit: 0, ..query.clone() });
        if let (_, Ok((Reply::Page(here), _))) = self.perform(&self.cluster, &all, false) {
            let extra = here.items.iter().filter_map(|item| ObjectRef::of(item));
            for reference in extra.filter(|reference| !shown.contains(reference)).collect::<Vec<_>>() {
                self.reconcile(index, call, &reference, None);
            }
        }
        self.listed(index, query);
    }

    fn wait(
        &mut self,
        index: usize,
        call: &Call,
        target: &Target,
        until: &Predicate,
        waited: &Waited,
        duration: Duration,
    ) {
        let reference = target.reference();
        let is_so = |reconstruction: &Self| match reconstruction.cluster.object(&reference) {
            Some(object) => until.holds(&object),
            None => *until == Predicate::Deleted || target.uid.is_some(),
        };
        let was_so = is_so(self);
        match waited {
            Waited::Timeout => {
                if was_so {
                    self.doubt(call, "what it waited for was so already, as far as the record shows");
                }
                self.pass(duration);
                // Until the end it was not so.
                self.saw(index, &reference);
            }
            Waited::Met(object) => {
                if !was_so {
                    self.pass(duration);
                }
                self.reconcile(index, call, &reference, Some(Shown { object, only_metadata: false }));
            }
            Waited::Deleted => {
                if !was_so {
                    self.pass(duration);
                }
                self.reconcile(index, call, &reference, None);
            }
        }
    }
}

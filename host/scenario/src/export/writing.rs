//! The scenario's text.

use serde::Serialize;
use serde_json::{Value, json};
use suture_core::clock::kubernetes_time;
use suture_core::effect::MutationType;
use suture_core::{Alert, Ending, Grant, Limits, Mode, display};
use suture_engine::guard::NO_GRANT;
use suture_journal::{Call, Ledger};

use super::initial::Initial;
use super::outside_events::written;
use super::reconstruction::Reconstruction;
use super::{Recording, is_said};
use crate::yaml::Yaml;

/// What the text is made of.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub recording: &'a Recording<'a>,
    pub ending: &'a Ending,
    pub initial: &'a Initial,
    pub reconstruction: &'a Reconstruction,
    /// None for what a scenario grants by itself.
    pub grants: Option<&'a [Grant]>,
}

fn plain(value: impl Serialize) -> Yaml {
    serde_json::to_value(value).unwrap_or_default().into()
}

impl Parts<'_> {
    pub fn text(&self) -> String {
        let mut fields =
            vec![("name", Yaml::from(self.name())), ("given", self.given()), ("when", self.when())];
        let reactions = self.reconstruction.outside_events.reactions();
        if !reactions.is_empty() {
            fields.push(("reactions", Yaml::List(reactions)));
        }
        fields.push(("then", self.then()));
        let fields = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        format!("{}{}", self.heading(), Yaml::Map(fields).document())
    }

    fn heading(&self) -> String {
        let run = self.recording.run;
        let one_line = |text: &str| display::one_line(text).into_owned();
        let lines = [
            format!("Run {} of policy `{}`, {}", run.id, one_line(&run.policy), kubernetes_time(run.started_at)),
            format!("module {}", one_line(&run.digest)),
            "What the run saw, and what it did. It passes with the module of the run; with another it shows".to_owned(),
            "what that would have done otherwise:".to_owned(),
            "  suture test --policy POLICY.wasm THIS-FILE".to_owned(),
            "Values of Secrets are not in it, and what looks confidential is REDACTED; names and addresses are.".to_owned(),
        ];
        lines.iter().map(|line| format!("# {line}\n")).collect()
    }

    fn name(&self) -> String {
        let Recording { run, header, .. } = self.recording;
        // As an object is named: the namespace first.
        let (namespace, rest): (Vec<_>, Vec<_>) =
            header.incident.key.iter().partition(|(label, _)| label.contains("namespace"));
        let key: Vec<_> = namespace.into_iter().chain(rest).map(|(_, value)| value.as_str()).collect();
        let about = if key.is_empty() { run.policy.clone() } else { key.join("/") };
        format!("{about}: {} (run {})", self.ending.name(), run.id)
    }

    fn given(&self) -> Yaml {
        let Self { recording, initial, reconstruction, .. } = self;
        let incident = &recording.header.incident;
        let mut fields = vec![
            ("now", plain(initial.now)),
            (
                "run",
                Yaml::map([
                    ("id", recording.run.id.as_str().into()),
                    ("incident", incident.id.as_str().into()),
                    ("attempt", plain(incident.attempt)),
                ]),
            ),
        ];
        if incident.settings.as_object().is_some_and(|settings| !settings.is_empty()) {
            fields.push(("settings", plain(&incident.settings)));
        }
        if recording.run.mode == Mode::Observe {
            fields.push(("mode", plain(Mode::Observe)));
        }
        fields.extend(limits(&recording.header.limits).map(|limits| ("limits", limits)));
        if let Some(grants) = self.grants {
            let grant = |grant: &Grant| {
                let mut value = serde_json::to_value(grant).unwrap_or_default();
                if let Some(fields) =
                    value.as_object_mut().filter(|_| grant.names.iter().any(|name| name.is_any()))
                {
                    fields.remove("names");
                }
                Yaml::from(value)
            };
            fields.push(("grants", Yaml::List(grants.iter().map(grant).collect())));
        }
        let mut more = |key, list: Vec<Yaml>| {
            if !list.is_empty() {
                fields.push((key, Yaml::List(list)));
            }
        };
        more("objects", reconstruction.fixture.objects.iter().cloned().map(Yaml::from).collect());
        let log = |(pod, container, text): (suture_core::ObjectRef, String, String)| {
            let pod = format!("{}/{}", pod.namespace.unwrap_or_default(), pod.name);
            Yaml::map([("pod", pod.into()), ("container", container.into()), ("text", text.into())])
        };
        more("logs", reconstruction.given_logs().into_iter().map(log).collect());
        more("prometheus", reconstruction.prometheus.iter().map(plain).collect());
        let lock = |(name, held_for): &(String, Option<std::time::Duration>)| {
            let mut fields = vec![("name".to_owned(), Yaml::from(name.as_str()))];
            fields.extend(held_for.map(|held_for| ("for".to_owned(), written(held_for))));
            Yaml::Map(fields)
        };
        more("locks", reconstruction.locks.iter().map(lock).collect());
        let pause = |(step, pause): &(u32, std::time::Duration)| {
            Yaml::map([("step", plain(step)), ("for", written(*pause))])
        };
        more("pauses", reconstruction.pauses.iter().map(pause).collect());
        more("later", reconstruction.outside_events.later());
        more("faults", reconstruction.faults.rules().map(plain).collect());
        if let Some(alerts) = &reconstruction.alerts {
            let alert = |alert: &suture_core::effect::ActiveAlert| {
                let state = if alert.firing { "firing" } else { "pending" };
                plain(json!({"labels": alert.labels, "annotations": alert.annotations, "state": state,
                    "activeAt": alert.active_at}))
            };
            let own = reconstruction.own_alert.map(|state| {
                plain(json!({"labels": self.recording.header.incident.alert.labels, "state": state}))
            });
            fields.push(("alerts", Yaml::List(alerts.iter().map(alert).chain(own).collect())));
        }
        Yaml::Map(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn when(&self) -> Yaml {
        let Alert { labels, annotations, starts_at, generator_url, fingerprint, .. } =
            &*self.recording.header.incident.alert;
        let mut fields = vec![("labels".to_owned(), plain(labels))];
        if !annotations.is_empty() {
            fields.push(("annotations".to_owned(), plain(annotations)));
        }
        if *starts_at != self.initial.now {
            fields.push(("startsAt".to_owned(), plain(starts_at)));
        }
        let calls = Call::all(self.recording.entries);
        for (key, text) in [("generatorURL", generator_url), ("fingerprint", fingerprint)] {
            if is_said(&calls, self.ending, text) {
                fields.push((key.to_owned(), text.as_str().into()));
            }
        }
        Yaml::List(vec![Yaml::map([("alert", Yaml::Map(fields))])])
    }

    fn then(&self) -> Yaml {
        let mut fields = vec![("outcome".to_owned(), Yaml::from(self.ending.name()))];
        fields.extend(summary(self.ending).map(|summary| ("summary".to_owned(), summary.into())));
        let done = &self.reconstruction.expectations;
        if !done.is_empty() {
            fields.push(("effects".to_owned(), Yaml::List(done.iter().map(|one| one.written()).collect())));
        }
        let never = MutationType::ALL.iter().filter(|one| done.iter().all(|done| done.mutation() != **one));
        let never: Vec<_> = never.map(|one| Yaml::map([(one.as_str(), "*".into())])).collect();
        if !never.is_empty() {
            fields.push(("never".to_owned(), Yaml::List(never)));
        }
        // An undo that did not succeed is in doubt.
        let open = Ledger::of(self.recording.entries);
        let doubts: Vec<_> =
            open.open().iter().map(|undo| format!("the undo of step {} ", undo.change).into()).collect();
        if !doubts.is_empty() {
            fields.push(("doubts".to_owned(), Yaml::List(doubts)));
        }
        Yaml::Map(fields)
    }
}

/// What the outcome's sentence must have: all of it.
fn summary(ending: &Ending) -> Option<String> {
    let mut summary = ending.summary();
    // Which grant comes nearest is said by its place, and the export has grants of its own.
    if let Some(at) = summary.find(NO_GRANT) {
        summary.truncate(at + NO_GRANT.len());
    }
    // Between slashes it would be a regular expression.
    let is_regex = summary.len() > 1 && summary.starts_with('/') && summary.ends_with('/');
    let text = if is_regex { summary.trim_end_matches('/').to_owned() } else { summary };
    (!text.trim().is_empty()).then_some(text)
}

/// Those limits that are not the default.
fn limits(limits: &Limits) -> Option<Yaml> {
    let (this, default) = (serde_json::to_value(limits).ok()?, serde_json::to_value(Limits::default()).ok()?);
    let other: serde_json::Map<String, Value> = this
        .as_object()?
        .iter()
        .filter(|(key, value)| default.get(*key) != Some(*value))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    (!other.is_empty()).then(|| Value::Object(other).into())
}

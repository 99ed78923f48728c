//! What is said of each route. Whoever adds one says it here, or a test fails.

use schemars::JsonSchema;
use serde_json::Value;
use suture_core::{Grant, IncidentId, Permission, RunId, Timestamp};
use suture_engine::{DrainStatus, PolicyStatus, ShownIncident, UnmatchedAlert};
use suture_journal::{AuditFilter, AuditRow, Filter, ListedRun, PauseRecord};

use super::lists::List;
use super::openapi::Document;
use super::status::HostStatus;
use super::{Start, approving, doctor, draining, effects, pausing, policies};
use crate::catalog::ConfigStatus;
use crate::console::Link;
use crate::doctor::{Finding, Verdict};
use crate::drills::Drill;
use crate::sweep::Swept;

/// All of it.
pub(super) fn document() -> Document {
    let mut document = Document::new();
    of_host(&mut document);
    of_console(&mut document);
    of_policies(&mut document);
    of_incidents(&mut document);
    of_runs(&mut document);
    of_the_path(&mut document);
    of_probes(&mut document);
    document
}

const UNREADABLE: &str = "The body is none that this takes; the message says where.";
const NO_VALUE: &str =
    "A parameter is unknown, or has a value that does not exist; the message says which do.";
const AMBIGUOUS_ID: &str = "More than one id ends or begins so (`ambiguous`)";

fn of_host(document: &mut Document) {
    document.add("GET", "/api/v1/status", "getStatus", "How the host is, at a glance", |says| {
        says.answers::<HostStatus>(200, "Whether it is ready, what is paused, what is open.")
    });
    document.add("POST", "/api/v1/pause", "pause", "Start no more runs, of all policies or of one", |says| {
        says.more("Alerts are accepted and wait; runs at work go on. It outlives a restart of the host.")
            .takes::<pausing::Pause>(false)
            .answers::<Paused>(200, "It is paused, and on disk.")
            .refuses(400, "The body is none; `for` and `until` are both given; the time is over (`invalid`).")
            .refuses(404, "There is no policy of that name.")
    });
    document.add("POST", "/api/v1/resume", "resume", "Start runs again, of all policies or of one", |says| {
        says.more("A storm is taken to be over. The host as a whole and each policy are paused apart.")
            .takes::<pausing::Resume>(false)
            .answers::<Resumed>(200, "It is paused no longer.")
            .refuses(400, UNREADABLE)
            .refuses(404, "There is no policy of that name.")
    });
    document.add(
        "POST",
        "/api/v1/drain",
        "drain",
        "End what runs, undo it, and begin nothing more",
        |says| {
            says.more(
                "It outlives a restart, and ends when somebody resumes the host. GET says how far it is.",
            )
            .takes::<draining::Drain>(false)
            .answers::<Drained>(202, "It begins.")
            .refuses(400, UNREADABLE)
        },
    );
    document.add(
        "GET",
        "/api/v1/drain",
        "getDrain",
        "How far the host is drained, and what is left",
        |says| says.answers::<Drained>(200, "Null where nobody drains it."),
    );
    document.add("GET", "/api/v1/config", "getConfig", "What became of the configuration on disk", |says| {
        says.answers::<ConfigStatus>(200, "Whether what stands in the file is in force, and why not.")
    });
    document.add("GET", "/api/v1/audit", "listAudit", "What people did to the host, and were refused", |says| {
        says.more(
            "Each row has the hash of the one before it; docs/audit.md says how that is verified. With `oldestFirst` \
             they come as they are chained.",
        )
        .query::<AuditFilter>()
        .answers::<List<AuditRow>>(200, "A page; `next` is what `after` must be for the next one.")
        .refuses(400, NO_VALUE)
    });
    document.add("GET", "/api/v1/openapi.json", "getOpenapi", "This document", |says| {
        says.answers::<Value>(200, "OpenAPI 3.1.")
    });
}

/// A policy, with what it requests, what it is granted, and its settings.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct PolicyDetail {
    #[schemars(flatten)]
    status: PolicyStatus,
    /// Its settings, defaults filled in.
    settings: Value,
    /// What it is allowed.
    grants: Vec<Grant>,
    /// What its manifest requests; null where it is not loaded.
    requested: Option<Vec<Permission>>,
}

/// All policies.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Policies {
    items: Vec<PolicyStatus>,
    /// Always null: there is one page.
    next: Option<String>,
    /// Whether somebody has paused the host.
    paused: bool,
    /// Who has paused what.
    pauses: Vec<PauseRecord>,
}

/// An incident that something was done to.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct OfIncident {
    incident: IncidentId,
}

/// What is paused.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Paused {
    /// Always true.
    paused: bool,
    pause: PauseRecord,
    /// All that are.
    pauses: Vec<PauseRecord>,
}

/// What was paused.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Resumed {
    /// Always false.
    paused: bool,
    /// What was; null where nothing was.
    was: Option<PauseRecord>,
    /// All that are paused still.
    pauses: Vec<PauseRecord>,
}

/// How far a host is drained.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Drained {
    drain: Option<DrainStatus>,
}

fn of_console(document: &mut Document) {
    document.add(
        "POST",
        "/api/v1/console/links",
        "makeConsoleLink",
        "Make a link that opens the console, once",
        |says| {
            says.more("It signs in who asks for it, within a minute. Where nobody needs a token, it signs in nobody.")
                .answers::<Link>(201, "The path, which follows the address of this host.")
        },
    );
}

fn of_policies(document: &mut Document) {
    document.add("GET", "/api/v1/policies", "listPolicies", "All policies", |says| {
        says.answers::<Policies>(200, "All there are.")
    });
    document.add("GET", "/api/v1/policies/{name}", "getPolicy", "A policy", |says| {
        says.answers::<PolicyDetail>(200, "It, with what it requests, what it is granted, and its settings.")
            .refuses(404, "There is none of that name.")
    });
    document.add(
        "POST",
        "/api/v1/policies/{name}/accept",
        "acceptModule",
        "Accept a module that waits: it takes the place of the one at work",
        |says| {
            says.takes::<policies::Accept>(true)
                .answers::<PolicyDetail>(200, "The policy, with that module.")
                .refuses(400, UNREADABLE)
                .refuses(404, "There is no policy of that name.")
                .refuses(409, "No module waits, or another one.")
        },
    );
    document.add(
        "POST",
        "/api/v1/policies/{name}/pause",
        "pausePolicy",
        "Start no more runs of a policy",
        |says| {
            says.takes::<pausing::Pause>(false)
                .answers::<Paused>(200, "It is paused, and on disk.")
                .refuses(400, "As of `/api/v1/pause`; or the body names another policy (`invalid`).")
                .refuses(404, "There is no policy of that name.")
        },
    );
    document.add(
        "POST",
        "/api/v1/policies/{name}/resume",
        "resumePolicy",
        "Start runs of a policy again",
        |says| {
            says.takes::<pausing::Resume>(false)
                .answers::<Resumed>(200, "It is paused no longer, unless the host is.")
                .refuses(400, "The body is none, or names another policy (`invalid`).")
                .refuses(404, "There is no policy of that name.")
        },
    );
    document.add("POST", "/api/v1/policies/{name}/runs", "startRun", "Start a run by hand", |says| {
        says.more(
            "Where the policy has `confirm: prometheus`, an alert with exactly these labels must fire. `force` does \
             without, and needs the role `admin`.",
        )
        .takes::<Start>(true)
        .answers::<OfIncident>(202, "The incident that is opened; its run begins in its turn.")
        .refuses(400, "The body is none, or its labels are no key of the policy (`invalid`).")
        .refuses(404, "There is no policy of that name, or it is not loaded.")
        .refuses(409, "An incident of that key is being handled (`conflict`); no such alert fires (`notFiring`); it is silenced (`silenced`).")
    });
    document.add(
        "POST",
        "/api/v1/policies/{name}/sweep",
        "sweep",
        "Handle what fires in Prometheus",
        |says| {
            says.takes::<policies::Sweep>(false)
                .answers::<Swept>(200, "What fires, and what becomes of each alert that is for the policy.")
                .refuses(400, UNREADABLE)
                .refuses(404, "There is no policy of that name.")
        },
    );
}

/// An incident that is closed.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Closed {
    incident: IncidentId,
    /// Always true.
    closed: bool,
}

/// An incident that is left alone.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct CancelledIncident {
    incident: IncidentId,
    /// Always true.
    cancelled: bool,
}

fn of_incidents(document: &mut Document) {
    document.add("GET", "/api/v1/incidents", "listIncidents", "Incidents, newest first", |says| {
        says.query::<Filter>()
            .answers::<List<ShownIncident>>(200, "A page; `next` is what `after` must be for the next one.")
            .refuses(400, NO_VALUE)
    });
    document.add("GET", "/api/v1/incidents/{id}", "getIncident", "An incident", |says| {
        says.answers::<ShownIncident>(200, "It.")
            .refuses(404, "There is none of that id, or it is that of a run.")
            .refuses(409, &format!("{AMBIGUOUS_ID}."))
    });
    document.add(
        "POST",
        "/api/v1/incidents/{id}/retry",
        "retryIncident",
        "Handle an incident again that has come to rest",
        |says| {
            says.more(
                "As if its alert had just fired, which it must where the policy wants that. It has all its attempts \
                 again, and an escalation that was posted is taken back.",
            )
            .answers::<OfIncident>(202, "It waits for its run.")
            .refuses(404, "There is none of that id, or its policy is gone.")
            .refuses(409, &format!("It is being handled, or over (`conflict`); its alert does not fire (`notFiring`), or is silenced (`silenced`). {AMBIGUOUS_ID}."))
        },
    );
    document.add(
        "POST",
        "/api/v1/incidents/{id}/cancel",
        "cancelIncident",
        "Leave an incident alone until its alert has cleared once",
        |says| {
            says.more("Its run ends, and what that must undo is undone; an escalation that was posted is taken back.")
                .answers::<CancelledIncident>(200, "It is left alone; its run's record says when that has ended.")
                .refuses(404, "There is none of that id.")
                .refuses(409, &format!("It is over (`conflict`). {AMBIGUOUS_ID}."))
        },
    );
    document.add(
        "POST",
        "/api/v1/incidents/{id}/close",
        "closeIncident",
        "Close an incident, whatever its alert does",
        |says| {
            says.more(
                "An escalation that was posted is taken back. Where the alert fires on and is posted again, that is \
                 another incident.",
            )
            .answers::<Closed>(200, "It is over.")
            .refuses(404, "There is none of that id.")
            .refuses(409, &format!("It is over already, or a run is at work on it (`conflict`). {AMBIGUOUS_ID}."))
        },
    );
}

/// A run that is to end.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Cancelled {
    run: RunId,
    /// Always true.
    cancelled: bool,
}

/// A part of a run's record.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct RunDetail {
    #[schemars(flatten)]
    run: ListedRun,
    /// Under what it began: incident, settings, limits, permissions, grants, cluster.
    header: Option<Value>,
    /// What it did in this part, step by step: each effect with its reply; that of one which is at
    /// work or in doubt is null.
    effects: Vec<EffectDetail>,
    /// The same as the journal has it.
    entries: Vec<Value>,
    /// What `after` must be for the next part; none on the last.
    next: Option<String>,
}

/// An effect and its reply.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct EffectDetail {
    step: u32,
    at: Timestamp,
    /// By its `verb`: get, list, mutate, wait, …
    effect: Value,
    /// `{"ok": …}` or `{"error": …}`.
    reply: Option<Value>,
    /// The step whose undo this is.
    undo_of: Option<u32>,
    /// Whether the change was only tried; told of changes and waits.
    #[schemars(default)]
    dry_run: Option<bool>,
}

fn of_runs(document: &mut Document) {
    document.add("GET", "/api/v1/runs", "listRuns", "Runs, newest first", |says| {
        says.query::<Filter>()
            .answers::<List<ListedRun>>(200, "A page; `next` is what `after` must be for the next one.")
            .refuses(400, NO_VALUE)
    });
    document.add("GET", "/api/v1/runs/{id}", "getRun", "A run, and a part of what it did", |says| {
        says.more("A part has at most 1000 steps, and about 4 MiB of entries.")
            .query::<effects::Asked>()
            .answers::<RunDetail>(200, "It.")
            .refuses(400, "A parameter is unknown or no number.")
            .refuses(
                404,
                "There is none of that id, or it is that of an incident; then the message names its runs.",
            )
            .refuses(409, &format!("{AMBIGUOUS_ID}."))
    });
    document.add("GET", "/api/v1/runs/{id}/diff", "getRunDiff", "What a run changed, or would change", |says| {
        says.more(
            "Each object before and after, field by field: of what was only tried as the API server would make it. \
             Large values are told by their size and digest; the plan's `digest` is over all of them.",
        )
        .answers::<effects::RunDiff>(200, "It; of a run at work as far as it has come.")
        .refuses(404, "There is none of that id.")
        .refuses(409, &format!("{AMBIGUOUS_ID}."))
    });
    document.add("POST", "/api/v1/runs/{id}/cancel", "cancelRun", "End a run", |says| {
        says.more("What it has begun is finished, what it must undo is undone.")
            .answers::<Cancelled>(200, "It ends; its record says when it has.")
            .refuses(404, "There is none of that id.")
            .refuses(409, &format!("It is over (`conflict`). {AMBIGUOUS_ID}."))
    });
    of_approvals(document);
}

const NOT_DECIDED: &str = "It is another plan by now (`stale`), its time is over (`expired`), or nothing waits for this answer \
                           (`conflict`)";
const NO_DIGEST: &str = "The body is none that this takes, or has no digest (`invalid`).";
const NOT_YOURS: &str = "You have started the run by hand.";

fn of_approvals(document: &mut Document) {
    document.add("POST", "/api/v1/runs/{id}/approve", "approveRun", "Approve the plan of a run", |says| {
        says.more(
            "The policy runs anew, and does what it would have done then; from the first change on that is another one \
             it only plans, and people are asked again. An approval is used once.",
        )
        .takes::<approving::Approve>(true)
        .answers::<approving::Answered>(202, "It counts, and is on disk.")
        .refuses(400, NO_DIGEST)
        .refuses(403, NOT_YOURS)
        .refuses(404, "There is none of that id.")
        .refuses(409, &format!("{NOT_DECIDED}. {AMBIGUOUS_ID}."))
    });
    document.add("POST", "/api/v1/runs/{id}/reject", "rejectRun", "Reject the plan of a run", |says| {
        says.more("Its incident is left alone until its alert has cleared once.")
            .takes::<approving::Reject>(true)
            .answers::<approving::Answered>(202, "It is rejected.")
            .refuses(400, NO_DIGEST)
            .refuses(403, NOT_YOURS)
            .refuses(404, "There is none of that id.")
            .refuses(409, &format!("{NOT_DECIDED}. {AMBIGUOUS_ID}."))
    });
}

/// What came of a look at the path from an alert to its repair.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Examined {
    /// The worst verdict of all.
    worst: Verdict,
    findings: Vec<Finding>,
}

/// Alerts that nobody handles.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct UnmatchedAlerts {
    /// By name.
    items: Vec<UnmatchedAlert>,
    /// Always null: there is one page.
    next: Option<String>,
    /// How many had other names, which are only counted.
    others: u64,
}

fn of_the_path(document: &mut Document) {
    document.add(
        "GET",
        "/api/v1/doctor",
        "examine",
        "Whether the path from an alert to its repair is alive",
        |says| says.answers::<Examined>(200, "What was looked at, how it stands, and what to do."),
    );
    document.add(
        "POST",
        "/api/v1/doctor/drills",
        "startDrill",
        "Send an alert round that no policy handles",
        |says| {
            says.takes::<doctor::Drill>(false)
                .answers::<Drill>(202, "It is on its way through Alertmanager.")
                .refuses(400, UNREADABLE)
        },
    );
    document.add("GET", "/api/v1/doctor/drills/{id}", "getDrill", "Whether it came back", |says| {
        says.answers::<Drill>(200, "It.").refuses(404, "There is none of that id; the last few are known.")
    });
    document.add(
        "GET",
        "/api/v1/alerts/unmatched",
        "listUnmatchedAlerts",
        "Alerts that were posted since the host started, and that no policy handles",
        |says| says.answers::<UnmatchedAlerts>(200, "By name."),
    );
}

fn of_probes(document: &mut Document) {
    document.add("GET", "/metrics", "getMetrics", "Metrics; see docs/telemetry.md", |says| {
        says.answers_text("application/openmetrics-text", "As Prometheus reads them.")
    });
    document.add("GET", "/healthz", "getHealth", "Whether the process is alive", |says| {
        says.answers_text("text/plain", "It is.")
    });
    document.add("GET", "/readyz", "getReadiness", "Whether the host takes alerts", |says| {
        says.more("With `?verbose` the answer is JSON, and says what waits and for how long.")
            .answers_text("text/plain", "It does.")
            .refuses(503, "It does not, and why.")
    });
}

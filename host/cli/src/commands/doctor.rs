//! `suture doctor`: is the path alive from an alert to its repair?

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use suture_core::clock::later;
use suture_core::{Clock, HumanDuration, RealClock, display};

use crate::CommandResult;
use crate::args::DoctorArgs;
use crate::error::{CliError, Exit};
use crate::output::{BAD, DIM, GOOD, HEADING, Output, WARN};
use crate::server::Server;

/// The pause between two looks for a drill.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Report {
    worst: String,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    verdict: String,
    about: String,
    check: String,
    found: String,
    remedy: Option<String>,
}

pub fn run(args: &DoctorArgs, output: &Output) -> CommandResult {
    crate::executor()?.block_on(doctor(args, output))
}

async fn doctor(args: &DoctorArgs, output: &Output) -> CommandResult {
    let server = Server::of(&args.server)?;
    let mut answer: Value = server.get("/api/v1/doctor", &[]).await?;
    let Report { mut worst, mut findings } = Report::deserialize(&answer).map_err(|error| {
        CliError::internal(format!("the answer is not that of a host of this version: {error}"))
    })?;
    if args.drill {
        let (finding, is_well) = drill(&server, args).await?;
        if !is_well {
            "fail".clone_into(&mut worst);
            answer["worst"] = json!("fail");
        }
        if let Some(all) = answer["findings"].as_array_mut() {
            all.push(finding.clone());
        }
        findings.extend(serde_json::from_value::<Finding>(finding).ok());
    }
    if output.is_json() {
        output.json(&answer);
    } else {
        show(&mut findings, output);
    }
    Ok(if worst == "fail" { Exit::Failed } else { Exit::Done })
}

fn show(findings: &mut [Finding], output: &Output) {
    let order: Vec<String> = findings.iter().map(|finding| finding.about.clone()).collect();
    findings.sort_by_cached_key(|finding| order.iter().position(|about| *about == finding.about));
    let mut about = "";
    for Finding { verdict, about: whose, check, found, remedy } in &*findings {
        if whose != about {
            output.line(format!("{HEADING}{}{HEADING:#}", display::one_line(whose)));
            about = whose;
        }
        let verdict = match verdict.as_str() {
            "ok" => format!("{GOOD}OK  {GOOD:#}"),
            "warn" => format!("{WARN}WARN{WARN:#}"),
            _ => format!("{BAD}FAIL{BAD:#}"),
        };
        output.line(format!("  {verdict}  {check:<10} {}", display::one_line(found)));
        if let Some(remedy) = remedy {
            output.line(format!("        {DIM}→ {}{DIM:#}", display::one_line(remedy)));
        }
    }
    let count = |verdict: &str| findings.iter().filter(|finding| finding.verdict == verdict).count();
    output.line(format!("{} ok, {} to look at, {} failed", count("ok"), count("warn"), count("fail")));
}

/// Send an alert round, and wait for it. The finding, and whether it is well.
async fn drill(server: &Server, args: &DoctorArgs) -> Result<(Value, bool), CliError> {
    let mut labels = BTreeMap::new();
    for label in &args.label {
        let (name, value) = label.split_once('=').ok_or_else(|| {
            CliError::usage(format!("`{label}` is no label")).help("write NAME=VALUE, as in team=storage")
        })?;
        labels.insert(name.to_owned(), value.to_owned());
    }
    let sent: Value = server.post("/api/v1/doctor/drills", &json!({"labels": labels})).await?;
    let id = sent["id"].as_str().unwrap_or_default().to_owned();
    let until = later(RealClock.now(), args.wait.get());
    let clock: &dyn Clock = &RealClock;
    loop {
        let drill: Value = server.get(&format!("/api/v1/doctor/drills/{id}"), &[]).await?;
        if let Some(receiver) = drill["arrived"]["receiver"].as_str() {
            let policy = drill["arrived"]["policy"].as_str();
            let path = policy.map_or_else(|| "/hooks".to_owned(), |policy| format!("/hooks/{policy}"));
            let found = format!(
                "an alert went through Alertmanager and came back by the receiver `{receiver}` to {path}"
            );
            return Ok((finding("ok", &found, None), true));
        }
        if RealClock.now() >= until {
            let found = did_not_come(args.wait, &sent);
            // Where this host refused what was posted, nobody needs to guess.
            let report = Report::deserialize(&server.get::<Value>("/api/v1/doctor", &[]).await?);
            let findings = report.map(|report| report.findings).unwrap_or_default();
            let refused =
                findings.into_iter().find(|found| found.check == "webhook" && found.verdict != "ok");
            return Ok(match refused {
                Some(Finding { found: why, remedy, .. }) => {
                    (finding("fail", &format!("{found}; {why}"), remedy.as_deref()), false)
                }
                None => (finding("fail", &found, Some(REMEDY)), false),
            });
        }
        clock.sleep(PAUSE).await;
    }
}

const REMEDY: &str = "does a route lead an alert with these labels to a receiver that posts here (`amtool config routes \
     test`)? Is `group_wait` longer (`--wait`)? Is the token of the receiver right (the log of Alertmanager, and \
     `suture_notifications_total`)? May Alertmanager's pod reach this host (NetworkPolicy)?";

fn did_not_come(wait: HumanDuration, sent: &Value) -> String {
    format!("Alertmanager took an alert {}, and it did not come back within {wait}", sent["labels"])
}

fn finding(verdict: &str, found: &str, remedy: Option<&str>) -> Value {
    let finding = json!({"verdict": verdict, "about": "drill", "check": "webhook", "found": found});
    match (remedy, finding) {
        (Some(remedy), Value::Object(mut finding)) => {
            finding.insert("remedy".to_owned(), json!(remedy));
            Value::Object(finding)
        }
        (_, finding) => finding,
    }
}

//! What the guard costs a run: fifty rules, one of them in CEL, over a single one.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use suture_mock::NativePolicy;
use suture_scenario::{Scenario, runner};
use volsync::VolSync;

use crate::figure::{Figure, Goal, Report, median_seconds};

const SCENARIO: &str = "policies/volsync/scenarios/stale-lock.yaml";
const ROUNDS: usize = 400;
/// Rounds that warm caches, and are not counted.
const WARMUP: usize = 20;
const RULES: usize = 50;
/// What the policy needs, in one rule.
const ENOUGH: &str = "resources: [replicationsources, pods, pods/log, jobs, volumesnapshots, events], \
                      verbs: [get, list, patch, create, delete], namespaces: [\"*\"]";

/// The scenario with these rules.
fn scenario(rules: &str) -> anyhow::Result<Scenario> {
    let text =
        std::fs::read_to_string(SCENARIO).with_context(|| format!("{SCENARIO} (run from the repository)"))?;
    let text = text.replacen("given:\n", &format!("given:\n  grants:\n{rules}"), 1);
    Ok(Scenario::parse(&text, Path::new(SCENARIO))?)
}

pub fn fifty_rules_over_one(report: &mut Report) -> anyhow::Result<()> {
    let one = scenario(&format!("  - {{groups: [\"*\"], {ENOUGH}}}\n"))?;
    let mut rules = String::new();
    for number in 0..RULES - 1 {
        writeln!(
            rules,
            "  - {{groups: [example.org], resources: [replicationsources], verbs: [get, patch], namespaces: [team-{number}-*]}}"
        )?;
    }
    let condition =
        "where: 'has(object.spec.trigger) && object.metadata.namespace == incident.key.obj_namespace'";
    writeln!(rules, "  - {{groups: [\"*\"], {ENOUGH}, {condition}}}")?;
    let fifty = scenario(&rules)?;
    let (mut of_one, mut of_fifty) = (Vec::new(), Vec::new());
    for round in 0..report.count(ROUNDS, 5) + WARMUP {
        for (scenario, times) in [(&one, &mut of_one), (&fifty, &mut of_fifty)] {
            let clock = runner::clock(scenario);
            let program = NativePolicy::<VolSync>::inline(clock.clone());
            let began = Instant::now();
            let report = runner::run_on(clock, scenario, program, None);
            let took = began.elapsed();
            anyhow::ensure!(report.passed(), "{}: {report:?}", scenario.name);
            if round >= WARMUP {
                times.push(took);
            }
        }
    }
    let (one, fifty) = (median_seconds(of_one), median_seconds(of_fifty));
    println!("a run of {SCENARIO}: one rule {:.0} µs, {RULES} rules {:.0} µs", one * 1e6, fifty * 1e6);
    report.add(Figure { name: "guard-fifty-rules-over-one", ratio: fifty / one, goal: Goal::AtMost(1.2) });
    Ok(())
}

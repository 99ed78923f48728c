//! How many perturbed runs a second `suture test --torture` plays: the component in the
//! sandbox, each scenario of the volsync policy, on all cores.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use suture_core::{Program, RealClock};
use suture_runtime::{Compiler, Runtime};
use suture_scenario::Scenario;
use suture_scenario::torture::{Campaign, Subject};

use crate::figure::{Figure, Goal, Report};
use crate::policy::component;

const SCENARIOS: &str = "policies/volsync/scenarios";
const RUNS: usize = 20_000;
/// The least that is good enough. 5,000 is good.
const LEAST: f64 = 1_500.0;

pub fn runs_a_second(report: &mut Report) -> anyhow::Result<()> {
    let mut scenarios = Vec::new();
    for entry in Path::new(SCENARIOS).read_dir().context(SCENARIOS)? {
        scenarios.extend(Scenario::load(&entry?.path())?);
    }
    let bytes = component()?;
    let setup = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let program: Arc<dyn Program> =
        Arc::new(setup.block_on(Runtime::new(Compiler::InProcess)?.load(&bytes, None))?);
    let subjects: Vec<_> =
        scenarios.iter().map(|scenario| Subject { scenario, program: program.clone() }).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let campaign = Campaign { runs: report.count(RUNS, 200), time: None, seed: 1, threads, only: Vec::new() };
    let summary = campaign.run(&subjects, &RealClock, &|_| {});
    anyhow::ensure!(summary.failed == 0 && summary.unfit.is_empty(), "{} runs failed", summary.failed);
    let a_second = summary.runs as f64 / summary.took.as_secs_f64();
    println!("torture: {} perturbed runs on {threads} cores, {a_second:.0} a second", summary.runs);
    let (name, ratio) = ("torture-runs-a-second-over-1500", a_second / LEAST);
    report.add(Figure { name, ratio, goal: Goal::AtLeast(1.0) });
    Ok(())
}

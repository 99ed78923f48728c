//! One run of the volsync scenario: the component in the sandbox over the same code
//! compiled natively, both against the same simulated cluster.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use suture_core::Program;
use suture_mock::NativePolicy;
use suture_runtime::{Compiler, Runtime};
use suture_scenario::{Scenario, runner};
use volsync::VolSync;

use crate::figure::{Figure, Goal, Report, median_seconds};

const SCENARIO: &str = "policies/volsync/scenarios/stale-lock.yaml";
pub const COMPONENT: &str = "target/policies/volsync.wasm";
const ROUNDS: usize = 400;
/// Rounds that warm caches, and are not counted.
const WARMUP: usize = 20;

/// The shipped policy.
pub fn component() -> anyhow::Result<Vec<u8>> {
    std::fs::read(COMPONENT).with_context(|| format!("{COMPONENT} (`make policies` builds it)"))
}

pub fn component_over_native(report: &mut Report) -> anyhow::Result<()> {
    let text =
        std::fs::read_to_string(SCENARIO).with_context(|| format!("{SCENARIO} (run from the repository)"))?;
    let scenario = Scenario::parse(&text, Path::new(SCENARIO))?;
    let bytes = component()?;
    let setup = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let component: Arc<dyn Program> =
        Arc::new(setup.block_on(Runtime::new(Compiler::InProcess)?.load(&bytes, None))?);
    let (mut sandboxed, mut compiled) = (Vec::new(), Vec::new());
    for round in 0..report.count(ROUNDS, 5) + WARMUP {
        for (is_native, times) in [(false, &mut sandboxed), (true, &mut compiled)] {
            let clock = runner::clock(&scenario);
            let native = || NativePolicy::<VolSync>::inline(clock.clone());
            let program = if is_native { native() } else { component.clone() };
            let began = Instant::now();
            let report = runner::run_on(clock, &scenario, program, None);
            let took = began.elapsed();
            anyhow::ensure!(report.passed(), "{}: {report:?}", scenario.name);
            if round >= WARMUP {
                times.push(took);
            }
        }
    }
    let (sandboxed, compiled) = (median_seconds(sandboxed), median_seconds(compiled));
    println!("a run of {SCENARIO}: component {:.0} µs, native {:.0} µs", sandboxed * 1e6, compiled * 1e6);
    let (name, ratio) = ("policy-component-over-native", sandboxed / compiled);
    report.add(Figure { name, ratio, goal: Goal::AtMost(2.5) });
    Ok(())
}

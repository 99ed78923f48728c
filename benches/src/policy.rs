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

use crate::figure::{Figure, Goal, median_seconds};

const SCENARIO: &str = "policies/volsync/scenarios/stale-lock.yaml";
pub const COMPONENT: &str = "target/policies/volsync.wasm";
const ROUNDS: usize = 400;

pub fn component_over_native() -> anyhow::Result<Figure> {
    let text =
        std::fs::read_to_string(SCENARIO).with_context(|| format!("{SCENARIO} (run from the repository)"))?;
    let scenario = Scenario::parse(&text, Path::new(SCENARIO))?;
    let bytes =
        std::fs::read(COMPONENT).with_context(|| format!("{COMPONENT} (`make policies` builds it)"))?;
    let setup = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let component: Arc<dyn Program> =
        Arc::new(setup.block_on(Runtime::new(Compiler::InProcess)?.load(&bytes, None))?);
    let (mut sandboxed, mut compiled) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 20 {
        for (is_native, times) in [(false, &mut sandboxed), (true, &mut compiled)] {
            let clock = runner::clock(&scenario);
            let native = || NativePolicy::<VolSync>::inline(clock.clone());
            let program = if is_native { native() } else { component.clone() };
            let began = Instant::now();
            let report = runner::run_on(clock, &scenario, program, None);
            let took = began.elapsed();
            anyhow::ensure!(report.passed(), "{}: {report:?}", scenario.name);
            // The first rounds warm caches.
            if round >= 20 {
                times.push(took);
            }
        }
    }
    let (sandboxed, compiled) = (median_seconds(sandboxed), median_seconds(compiled));
    println!("a run of {SCENARIO}: component {:.0} µs, native {:.0} µs", sandboxed * 1e6, compiled * 1e6);
    Ok(Figure { name: "policy-component-over-native", ratio: sandboxed / compiled, goal: Goal::AtMost(2.5) })
}

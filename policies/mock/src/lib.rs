//! Runs policy code natively against the simulated cluster: unit tests of policies,
//! with `cargo test`, a debugger and real backtraces, and without any WebAssembly.
//!
//! Everything but the component is the real thing: the journal, the guard with its
//! grants, the confirmation, the undos, the cluster, and the virtual clock.
//!
//! ```no_run
//! # use suture_policy::{Incident, Manifest, Outcome, Policy, Result};
//! # struct MyPolicy;
//! # impl Policy for MyPolicy {
//! #     type Settings = suture_policy::Value;
//! #     fn manifest() -> Manifest { Manifest::new("my", "1.0.0", "").key(["name"]) }
//! #     fn remediate(_: Incident, _: Self::Settings) -> Result<Outcome> { Ok(Outcome::unnecessary("")) }
//! # }
//! #[test]
//! fn every_scenario_passes() {
//!     suture_mock::assert_scenarios::<MyPolicy>("scenarios");
//! }
//!
//! #[test]
//! fn a_lock_is_broken_only_once() {
//!     let scenario = suture_mock::Simulation::from_yaml("name: …").unwrap();
//!     let report = scenario.run::<MyPolicy>();
//!     assert_eq!(report.runs.len(), 1);
//! }
//! ```

mod bridge;
mod child;
mod convert;
mod given;
mod native;
mod simulation;

pub use child::{ChildError, ChildPolicy};
pub use given::Given;
pub use native::NativePolicy;
pub use simulation::{Simulation, assert_scenarios, assert_survives_torture};
pub use suture_scenario::{Report, ScenarioError, Verdict};

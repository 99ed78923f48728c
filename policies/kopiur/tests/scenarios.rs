//! Every scenario in `scenarios/`, with the policy compiled natively.

use kopiur::Kopiur;

#[test]
fn every_scenario_passes() {
    suture_mock::assert_scenarios::<Kopiur>("scenarios");
}

/// A sample: `suture test --torture --runs 100000` tries all, and many at once.
#[test]
fn whatever_goes_wrong_what_must_never_happen_does_not() {
    let runs = std::env::var("SUTURE_TORTURE_RUNS").ok().and_then(|runs| runs.parse().ok());
    suture_mock::assert_survives_torture::<Kopiur>("scenarios", runs.unwrap_or(3_000));
}

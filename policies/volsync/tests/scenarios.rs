//! Every scenario in `scenarios/`, with the policy compiled natively.

#[test]
fn every_scenario_passes() {
    suture_mock::assert_scenarios::<volsync::VolSync>("scenarios");
}

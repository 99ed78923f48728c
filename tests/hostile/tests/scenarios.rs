//! The attacker at work on the simulated cluster: each scenario in `scenarios/` is one attack.

use hostile::Hostile;

#[test]
fn no_attack_goes_through() {
    suture_mock::assert_scenarios::<Hostile>("scenarios");
}

//! Each run once more, on what is on record of it: after a crash a host does the same.

use futures::executor::block_on;
use suture_core::clock::Driven;
use suture_core::{Limits, Program, VirtualClock};
use suture_journal::{Playback, Recorded, RunHeader, play_back};

use crate::expect::Difference;
use crate::report::PlayedRun;
use crate::timeline::{Look, compared};

/// What an expectation is called that every scenario has.
const EXPECTATION: &str = "the same calls on the same answers";

/// Ask a policy again for what a run did; how that differs. A policy whose calls depend on anything but
/// the incident and the answers can't be taken up after a crash.
pub(super) fn difference(
    index: usize,
    run: &PlayedRun,
    limits: &Limits,
    program: &dyn Program,
    clock: &VirtualClock,
) -> Option<Difference> {
    let header = RunHeader {
        format: RunHeader::FORMAT,
        world: RunHeader::WORLD.to_owned(),
        incident: run.incident.clone(),
        limits: limits.clone(),
        requested: Vec::new(),
        grants: [].into(),
        approved: None,
        cluster: String::new(),
    };
    let recorded = Recorded { header: &header, digest: program.digest(), entries: &run.entries };
    // A program may take its time on the clock of the scenario.
    let Driven::Done(played) = block_on(clock.drive(play_back(recorded, program))) else { return None };
    let message = match played {
        Ok(playback) if playback.is_same() => return None,
        Ok(playback) => return Some(told(index, run, &playback)),
        Err(why) => why,
    };
    Some(Difference { expectation: EXPECTATION.to_owned(), line: 0, message, at: None })
}

fn told(index: usize, run: &PlayedRun, playback: &Playback) -> Difference {
    let first = playback.first_difference().and_then(|line| line.recorded.as_ref());
    let message = format!(
        "the policy was asked again, given the same answers, and did not do the same. After a crash that ends the \
         run. What a policy does may depend on nothing but the incident, the settings and the answers: not on the \
         order of a set, on a random number, or on a clock other than the host's\n\n{}",
        compared(playback, run.started, Look::default())
    );
    let at = first.map(|call| (index, call.step));
    Difference { expectation: EXPECTATION.to_owned(), line: 0, message, at }
}

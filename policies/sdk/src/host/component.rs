//! The host of a component: its imports.

use super::*;
use crate::wit::{clock, kube, log, prometheus};

struct Imports;

/// Ask the host for what the rest of this library does not offer: a body as it is written.
pub fn call<T>(ask: impl FnOnce(&dyn Host) -> T) -> T {
    ask(&Imports)
}

impl Host for Imports {
    fn get(&self, target: &Target) -> Result<String, Error> {
        kube::get(target)
    }

    fn list(&self, query: &Query) -> Result<Page, Error> {
        kube::list(query)
    }

    fn mutate(&self, mutation: &Mutation, undo: Option<&Mutation>) -> Result<Mutated, Error> {
        kube::mutate(mutation, undo)
    }

    fn settle(&self, step: &str, run_undo: bool) -> Result<(), Error> {
        kube::settle(step, run_undo)
    }

    fn wait(&self, target: &Target, until: &Predicate, timeout_ms: u64) -> Result<Waited, Error> {
        kube::wait(target, until, timeout_ms)
    }

    fn logs(
        &self,
        pod: &Target,
        container: &str,
        tail_lines: u32,
        limit_bytes: u32,
    ) -> Result<String, Error> {
        kube::logs(pod, container, tail_lines, limit_bytes)
    }

    fn exclusive(&self, name: &str, timeout_ms: u64) -> Result<(), Error> {
        kube::exclusive(name, timeout_ms)
    }

    fn query(&self, expression: &str) -> Result<Vec<Sample>, Error> {
        prometheus::query(expression)
    }

    fn query_range(
        &self,
        expression: &str,
        start_ms: u64,
        end_ms: u64,
        step_ms: u64,
    ) -> Result<Vec<Series>, Error> {
        prometheus::query_range(expression, start_ms, end_ms, step_ms)
    }

    fn alerts(&self) -> Result<Vec<ActiveAlert>, Error> {
        prometheus::alerts()
    }

    fn now(&self) -> u64 {
        clock::now()
    }

    fn sleep(&self, duration_ms: u64) {
        clock::sleep(duration_ms);
    }

    fn log(&self, level: Level, message: &str) {
        log::log(level, message);
    }

    fn step(&self, title: &str) {
        log::step(title);
    }
}

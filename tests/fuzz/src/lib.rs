//! What comes from outside, each kind as a function over bytes that nobody vouches for.
//!
//! A target panics where something does not hold; that it returns at all is the first thing
//! that must. `make fuzz` drives them with libFuzzer from the folder `fuzz/`; the test
//! `corpus` replays the inputs that were kept, in every build.

#![allow(clippy::panic, reason = "a target reports what does not hold by panicking")]

#[cfg(feature = "host")]
pub mod component;
#[cfg(feature = "host")]
pub mod configuration;
pub mod expression;
pub mod fields;
#[cfg(feature = "host")]
pub mod journal;
pub mod patch;
pub mod pattern;
pub mod promql;
#[cfg(feature = "host")]
pub mod scenario;
pub mod shown;
pub mod webhook;

/// A kind of input and what must hold of it.
pub struct Target {
    /// Its name: that of the fuzzer's binary and of the folder in the corpus.
    pub name: &'static str,
    /// Try one input.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    #[cfg(feature = "host")]
    Target { name: "component", run: component::run },
    #[cfg(feature = "host")]
    Target { name: "configuration", run: configuration::run },
    Target { name: "expression", run: expression::run },
    Target { name: "fields", run: fields::run },
    #[cfg(feature = "host")]
    Target { name: "journal", run: journal::run },
    Target { name: "patch", run: patch::run },
    Target { name: "pattern", run: pattern::run },
    Target { name: "promql", run: promql::run },
    #[cfg(feature = "host")]
    Target { name: "scenario", run: scenario::run },
    Target { name: "shown", run: shown::run },
    Target { name: "webhook", run: webhook::run },
];

//! What a person who waits sees.

/// Told how a build goes. Called from more than one thread.
pub trait Progress: Sync {
    /// What is done from now on: `compiling volsync 0.1.0 for wasm32-unknown-unknown`.
    fn step(&self, message: &str);

    /// A line that cargo or rustup wrote meanwhile.
    fn line(&self, line: &str) {
        let _ = line;
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _message: &str) {}
}

//! A module, as a registry or a file hands it over.

use std::sync::LazyLock;

use suture_core::Program;
use suture_runtime::{Compiler, Runtime};

/// The engine and the threads that it compiles on, made once.
struct Fixture {
    tokio: tokio::runtime::Runtime,
    runtime: Runtime,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let tokio = tokio.unwrap_or_else(|error| panic!("no tokio runtime: {error}"));
    let runtime = Runtime::new(Compiler::InProcess).unwrap_or_else(|error| panic!("no engine: {error}"));
    Fixture { tokio, runtime }
});

/// It is a policy or there is a reason why not; what can be loaded can be inspected.
pub fn run(bytes: &[u8]) {
    let inspected = suture_build::inspect(bytes);
    match FIXTURE.tokio.block_on(FIXTURE.runtime.load(bytes, None)) {
        Ok(module) => {
            let inspected = inspected.unwrap_or_else(|error| panic!("loaded, but not inspected: {error}"));
            assert_eq!(inspected.digest, module.digest());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

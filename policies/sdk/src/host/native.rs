//! The host of natively compiled policy code: what the thread was given.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;

thread_local! {
    static HOST: RefCell<Rc<dyn Host>> = RefCell::new(Rc::new(Nobody));
}

/// Let `host` answer the calls of policy code that `run` calls on this thread.
pub fn with<T>(host: Rc<dyn Host>, run: impl FnOnce() -> T) -> T {
    /// Puts the host before back, also when `run` unwinds.
    struct Before(Option<Rc<dyn Host>>);
    impl Drop for Before {
        fn drop(&mut self) {
            if let Some(before) = self.0.take() {
                HOST.replace(before);
            }
        }
    }
    let _before = Before(Some(HOST.replace(host)));
    run()
}

/// Ask the host for what the rest of this library does not offer: a body as it is written.
pub fn call<T>(ask: impl FnOnce(&dyn Host) -> T) -> T {
    let host = HOST.with_borrow(Rc::clone);
    ask(&*host)
}

/// Answers where nobody was asked to: every call that can fail does.
struct Nobody;

fn nobody<T>() -> Result<T, Error> {
    let message = "no host answers on this thread; run the policy with suture_mock or host::with";
    Err(Error {
        reason: "Unavailable".to_owned(),
        message: message.to_owned(),
        status: None,
        retry_after_ms: None,
    })
}

impl Host for Nobody {
    fn get(&self, _: &Target) -> Result<String, Error> {
        nobody()
    }

    fn list(&self, _: &Query) -> Result<Page, Error> {
        nobody()
    }

    fn mutate(&self, _: &Mutation, _: Option<&Mutation>) -> Result<Mutated, Error> {
        nobody()
    }

    fn settle(&self, _: &str, _: bool) -> Result<(), Error> {
        nobody()
    }

    fn wait(&self, _: &Target, _: &Predicate, _: u64) -> Result<Waited, Error> {
        nobody()
    }

    fn logs(&self, _: &Target, _: &str, _: u32, _: u32) -> Result<String, Error> {
        nobody()
    }

    fn exclusive(&self, _: &str, _: u64) -> Result<(), Error> {
        nobody()
    }

    fn query(&self, _: &str) -> Result<Vec<Sample>, Error> {
        nobody()
    }

    fn query_range(&self, _: &str, _: u64, _: u64, _: u64) -> Result<Vec<Series>, Error> {
        nobody()
    }

    fn alerts(&self) -> Result<Vec<ActiveAlert>, Error> {
        nobody()
    }

    fn now(&self) -> u64 {
        0
    }

    fn sleep(&self, _: u64) {}

    fn log(&self, _: Level, message: &str) {
        eprintln!("{message}");
    }

    fn step(&self, title: &str) {
        eprintln!("{title}");
    }
}

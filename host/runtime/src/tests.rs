//! Policies that behave, and policies that don't.

use suture_core::Ending;

mod cache;
mod child;
mod contracts;
mod instances;
mod lane;
mod limits;
mod load;
mod run;

const SLEEP: &str = r#"(import "suture:policy/clock@0.2.0" "sleep" (func $sleep (param i64)))"#;
const LOG: &str = r#"(import "suture:policy/log@0.2.0" "log" (func $log (param i32 i32 i32)))"#;

fn trapped(ending: Ending) -> String {
    match ending {
        Ending::Trapped(message) => message,
        other => panic!("{other:?}"),
    }
}

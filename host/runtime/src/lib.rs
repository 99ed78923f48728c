//! Policies as WebAssembly components.
//!
//! A [`Runtime`] holds the one wasmtime engine of the process. [`Runtime::load`] turns
//! a component's bytes into a [`PolicyModule`], or says why it is none; the module is a
//! [`Program`](suture_core::Program), and each of its runs gets a fresh instance:
//!
//! ```text
//! bytes ─► check the preamble, count the parts ─► compile in a child, or the cache
//!       ─► check imports, exports, sizes ─► link ─► ask for the manifest, which must be a constant ─► PolicyModule
//! ```
//!
//! An instance can do nothing but call the imports of `suture:policy`. Each call becomes
//! one [`Effect`](suture_core::Effect) and is answered by the run's
//! [`Host`](suture_core::Host). What an instance may use is limited from its first
//! instruction: memory and tables by the store's limiter, CPU time by epochs, the bytes
//! of a call before they are looked at. No type of wasmtime leaves this crate.

#![allow(
    clippy::duplicate_mod,
    reason = "the code between the contract's types and the host's is the same for each version, whose types differ"
)]

mod bindings;
mod cache;
mod call;
mod cap;
mod child;
mod compiler;
mod contract;
mod engine;
mod failures;
mod instance;
mod lane;
mod load;
mod machine;
mod meter;
mod module;
mod parts;
mod stop;
mod ticker;
mod trap;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use cache::{CacheError, ModuleCache};
pub use child::compile_and_exit;
pub use compiler::{CompileError, CompileLimits, Compiler};
pub use engine::{Runtime, RuntimeError};
pub use load::{LoadError, MAX_COMPONENT_BYTES};
pub use module::PolicyModule;
pub use parts::TooMany;

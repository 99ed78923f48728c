//! Policies that behave, and policies that don't.

mod cache;
mod load;
mod run;

//! Elections on a Lease in memory, in virtual time.

mod elections;
mod fences;
mod hands;
mod harness;

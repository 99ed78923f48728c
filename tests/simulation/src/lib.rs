//! x
pub mod heal;
pub mod plan;

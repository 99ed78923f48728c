//! What end-to-end tests share: the real programs around a host, started on loopback
//! with short intervals, and ended with the test.

pub mod alertmanager;
pub mod command;
pub mod gate;
pub mod host;
pub mod left;
pub mod metric;
pub mod pages;
pub mod process;
pub mod prometheus;
pub mod threads;
pub mod time;
pub mod tls;
pub mod volsync;
pub mod wire;

//! TLS: certificate, key and authorities from files, which are read again when they change.

mod files;
mod reload;

pub(crate) use files::{Identity, TlsFiles, Which};
pub(crate) use reload::Served;

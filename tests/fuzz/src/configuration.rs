//! `suture.yaml`.

use std::path::{Path, PathBuf};

use suture_server::Config;

/// It is read, or each error says where and what, and shows the line without harm.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text.to_owned(), Path::new("suture.yaml"), PathBuf::new()) {
        Ok(loaded) => {
            loaded.plain();
            for warning in loaded.warnings {
                assert!(!warning.to_string().is_empty());
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                // To YAML, a carriage return alone ends a line, too.
                assert!(error.line <= text.split(['\n', '\r']).count() as u64 + 1, "{error}");
            }
        }
    }
}

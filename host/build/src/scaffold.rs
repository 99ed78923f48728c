//! `suture new`: a small policy that works, to be changed.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::assets::{self, Asset, Contract, PythonSdk, RustSdk, Templates, TypeScriptSdk};

/// A language that there is a template for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// A crate.
    Rust,
    /// TypeScript, with types that an editor knows.
    TypeScript,
    /// A Python package.
    Python,
}

/// A policy that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaffolded {
    /// Its folder.
    pub dir: PathBuf,
    /// What stands in it, but for the SDK, by name.
    pub files: Vec<String>,
}

/// Why no policy was made.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The name can't be a policy's.
    #[error("`{name}` can't be a policy's name: {what}; for example: queue-stuck")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Something stands there already.
    #[error("`{}` is there already, and is left as it is; choose another name, or another place with --dir", dir.display())]
    Exists {
        /// The folder.
        dir: PathBuf,
    },
    /// It could not be written.
    #[error("`{}`: {source}", dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Names that mean something else to the compilers.
const TAKEN: [&str; 14] = [
    "alloc",
    "core",
    "import",
    "json",
    "policy",
    "proc-macro",
    "self",
    "std",
    "suture",
    "suture-policy",
    "test",
    "tests",
    "types",
    "vendor",
];
/// The longest name: that of a policy.
const MAX_NAME: usize = 63;

/// Make a policy in a folder that is not there yet. It appears as a whole, or not at all.
///
/// # Errors
/// Why there is none.
pub fn scaffold(name: &str, template: Template, dir: &Path) -> Result<Scaffolded, ScaffoldError> {
    check_name(name)?;
    let io = |source| ScaffoldError::Io { dir: dir.to_owned(), source };
    if dir.symlink_metadata().is_ok() {
        return Err(ScaffoldError::Exists { dir: dir.to_owned() });
    }
    let parent = dir.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(io)?;
    let place = tempfile::Builder::new().prefix(".suture-new-").tempdir_in(parent).map_err(io)?;
    let made = place.path().join("made");
    let files: Vec<_> = template.files().into_iter().map(|file| filled_in(file, name)).collect();
    assets::write(&files, &made).map_err(io)?;
    for (folder, files) in template.sdk() {
        assets::write(&files, &made.join("vendor").join(folder)).map_err(io)?;
    }
    // Fails where somebody else has made something there meanwhile; only an empty folder is replaced.
    fs::rename(&made, dir).map_err(io)?;
    Ok(Scaffolded { dir: dir.to_owned(), files: files.into_iter().map(|(name, _)| name).collect() })
}

fn check_name(name: &str) -> Result<(), ScaffoldError> {
    let wrong = |what| Err(ScaffoldError::Name { name: name.to_owned(), what });
    let is_name_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.bytes().all(is_name_byte) {
        wrong("it has other characters than a-z, 0-9 and `-`")
    } else if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        wrong("it does not begin with a letter")
    } else if name.ends_with('-') {
        wrong("it ends with `-`")
    } else if name.len() > MAX_NAME {
        wrong("it has more than 63 characters")
    } else if TAKEN.contains(&name) {
        wrong("it means something else to a compiler or to Suture")
    } else {
        Ok(())
    }
}

/// A template's file, with the policy's name wherever it belongs.
fn filled_in((path, bytes): Asset, name: &str) -> Asset {
    let fill = |text: &str| text.replace("{{name}}", name).replace("{{module}}", &name.replace('-', "_"));
    let bytes = match std::str::from_utf8(&bytes) {
        Ok(text) => Cow::Owned(fill(text).into_bytes()),
        Err(_) => bytes,
    };
    (fill(&path), bytes)
}

impl Template {
    fn files(self) -> Vec<Asset> {
        let folder = match self {
            Self::Rust => "rust",
            Self::TypeScript => "typescript",
            Self::Python => "python",
        };
        // Cargo would take a `Cargo.toml` for a package of this workspace.
        let named =
            |(path, bytes): Asset| (path.strip_suffix(".template").unwrap_or(&path).to_owned(), bytes);
        assets::files::<Templates>(folder).into_iter().map(named).collect()
    }

    /// The SDK's folders in `vendor`.
    fn sdk(self) -> Vec<(&'static str, Vec<Asset>)> {
        match self {
            Self::Rust => vec![(crate::SDK, rust_sdk())],
            Self::TypeScript => vec![(crate::SDK, assets::files::<TypeScriptSdk>(""))],
            Self::Python => vec![("suture_policy", assets::files::<PythonSdk>("suture_policy"))],
        }
    }
}

/// The crate as it stands alone: with the contract inside, and without a workspace around it.
fn rust_sdk() -> Vec<Asset> {
    let mut files = assets::files::<RustSdk>("");
    for (path, bytes) in &mut files {
        if path == "Cargo.toml"
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            *bytes = Cow::Owned(standing_alone(text, include_str!("../../../Cargo.toml")).into_bytes());
        }
    }
    let contract = assets::files::<Contract>("");
    files.extend(contract.into_iter().map(|(path, bytes)| (format!("wit/{path}"), bytes)));
    files
}

/// A crate's `Cargo.toml` with what it takes from its workspace written in.
fn standing_alone(package: &str, workspace: &str) -> String {
    let parse = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
    let (mut package, workspace) = (parse(package), parse(workspace));
    for field in ["package", "dependencies"] {
        let shared = workspace.get("workspace").and_then(|shared| shared.get(field)?.as_table());
        let own = package.get_mut(field).and_then(toml::Value::as_table_mut);
        let (Some(table), Some(shared)) = (own, shared) else { continue };
        for (name, value) in table.iter_mut() {
            let inherits = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            if inherits && let Some(shared) = shared.get(name) {
                *value = shared.clone();
            }
        }
    }
    // The workspace's own lints are for those who work on it.
    package.remove("lints");
    toml::to_string(&package).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_has_its_name_wherever_it_belongs() {
        let dir = tempfile::tempdir().unwrap();
        for template in [Template::Rust, Template::TypeScript, Template::Python] {
            let made = scaffold("queue-stuck", template, &dir.path().join(format!("{template:?}"))).unwrap();
            assert!(made.files.iter().any(|file| file.starts_with("scenarios/")), "{:?}", made.files);
            for file in &made.files {
                let text = fs::read_to_string(made.dir.join(file)).unwrap();
                // GitHub's own `${{ … }}` stays.
                assert!(!text.contains("{{name}}") && !text.contains("{{module}}"), "{file}: {text}");
            }
            assert!(made.dir.join("vendor").is_dir());
        }
    }

    #[test]
    fn a_name_that_no_policy_can_have_is_refused_with_the_reason() {
        for name in ["", "Queue", "9-lives", "queue_stuck", "queue-", "test", "../up", &"x".repeat(64)] {
            let error = scaffold(name, Template::Rust, Path::new("/nowhere/at-all")).unwrap_err();
            assert!(matches!(error, ScaffoldError::Name { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn what_is_there_already_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let error = scaffold("queue-stuck", Template::Rust, dir.path()).unwrap_err();
        assert!(matches!(error, ScaffoldError::Exists { .. }), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_sdk_stands_alone() {
        let files = rust_sdk();
        let manifest = files.iter().find(|(path, _)| path == "Cargo.toml").unwrap();
        let text = std::str::from_utf8(&manifest.1).unwrap();
        assert!(!text.contains("workspace"), "{text}");
        assert!(text.contains("edition = \"2024\"") && text.contains("wit-bindgen"), "{text}");
        assert!(files.iter().any(|(path, _)| path == "wit/world.wit"));
    }
}
